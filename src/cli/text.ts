/** 1234567 -> "1,234,567". */
export function formatCount(count: number): string {
  return count.toLocaleString('en-US', { maximumFractionDigits: 2 });
}

/** "1 image", "2 images": the count and the noun, whose plural is given when it is not noun + s. */
export function countOf(count: number, noun: string, plural: string = `${noun}s`): string {
  return `${formatCount(count)} ${count === 1 ? noun : plural}`;
}

/** Seconds as a person says them: "0.4 s", "12 s", "3 min 05 s", "2 h 10 min". */
export function formatDuration(seconds: number): string {
  if (!Number.isFinite(seconds)) return 'unknown time';
  if (seconds < 10) return `${seconds < 1 ? seconds.toFixed(1) : Math.round(seconds)} s`;
  const whole = Math.round(seconds);
  if (whole < 60) return `${whole} s`;
  if (whole < 3600) return `${Math.floor(whole / 60)} min ${String(whole % 60).padStart(2, '0')} s`;
  return `${Math.floor(whole / 3600)} h ${String(Math.floor((whole % 3600) / 60)).padStart(2, '0')} min`;
}

/** 0.9314 -> "93.1 %"; what is not a number is a dash. */
export function formatPercent(fraction: number | null | undefined): string {
  return fraction === null || fraction === undefined || !Number.isFinite(fraction)
    ? '-'
    : `${(fraction * 100).toFixed(1)} %`;
}

/** 0.93142 -> "0.931"; what is not a number is a dash. */
export function formatScore(score: number | null | undefined): string {
  return score === null || score === undefined || !Number.isFinite(score) ? '-' : score.toFixed(3);
}

/** A path or a word as it is typed in a shell. */
export function shellWord(word: string): string {
  return /^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`;
}

/** A command line of ours as it is typed: `npm run demo` says how the program is called in a clone. */
export function commandLine(...words: string[]): string {
  return [process.env.BRIGHTCELL_PROGRAM ?? 'brightcell', ...words.map(shellWord)].join(' ');
}

/** The line that says what to type next. */
export function nextCommand(...words: string[]): string {
  return `Next: ${commandLine(...words)}`;
}

/** A text in lines of at most so many letters, further ones indented; a longer word has a line of its own. */
export function wrapText(text: string, width: number): string {
  const lines = [''];
  for (const word of text.split(' ')) {
    const line = lines.at(-1)!;
    if (line !== '' && line.length + 1 + word.length > width) lines.push(`  ${word}`);
    else lines[lines.length - 1] = line === '' ? word : `${line} ${word}`;
  }
  return lines.join('\n');
}
