export const fontFamily = 'Helvetica, Arial, Liberation Sans, DejaVu Sans, sans-serif';
export const fontSize = 13;
/** Of a letter, about, in pixels. */
export const letterWidth = 0.6 * fontSize;

/** A line of text at a place of an SVG document. */
export function svgText(words: string, x: number, y: number, attributes = ''): string {
  const escaped = words
    .replaceAll(/\p{Cc}/gu, ' ')
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;');
  return `<text x="${x}" y="${y}" ${attributes}>${escaped}</text>`;
}

/** Words in lines of at most so many letters; a longer word has a line of its own. */
export function wrapWords(words: string, letters: number): string[] {
  const lines = [''];
  for (const word of words.split(' ')) {
    const line = lines.at(-1)!;
    if (line !== '' && line.length + 1 + word.length > letters) lines.push(word);
    else lines[lines.length - 1] = line === '' ? word : `${line} ${word}`;
  }
  return lines;
}
