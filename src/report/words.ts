/** 1234567 -> "1,234,567". */
export function count(number: number): string {
  return number.toLocaleString('en-US', { maximumFractionDigits: 2 });
}

/** "1 cell", "2 cells". */
export function countOf(number: number, noun: string, plural = `${noun}s`): string {
  return `${count(number)} ${number === 1 ? noun : plural}`;
}

/** 0.9314 -> "93.1 %", which is never broken. */
export function percent(share: number): string {
  return `${(100 * share).toFixed(1)}\u00a0%`;
}

/** 0.93142 -> "0.931"; what is not defined is a dash. */
export function score(value: number | null | undefined): string {
  return value === null || value === undefined || !Number.isFinite(value) ? '–' : value.toFixed(3);
}

/** "0.91 to 0.95"; nothing where there is no interval. */
export function interval(ends: readonly [number, number] | null | undefined): string {
  return ends ? `${ends[0].toFixed(3)} to ${ends[1].toFixed(3)}` : '';
}

/** Seconds as a person says them. */
export function duration(seconds: number): string {
  if (seconds < 10) return `${Number(seconds.toPrecision(2))} s`;
  if (seconds < 60) return `${Math.round(seconds)} s`;
  if (seconds < 3600) return `${Math.round(seconds / 6) / 10} min`;
  return `${Math.round(seconds / 360) / 10} h`;
}

/** "A", "A and B", "A, B and C". */
export function listed(words: readonly string[]): string {
  if (words.length < 2) return words.join('');
  return `${words.slice(0, -1).join(', ')} and ${words.at(-1)}`;
}

/** With a capital letter first. */
export function capital(text: string): string {
  return `${text.charAt(0).toUpperCase()}${text.slice(1)}`;
}

/** A command as it is typed in a shell. */
export function command(...words: string[]): string {
  const typed = words.map(word =>
    /^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`,
  );
  return ['brightcell', ...typed].join(' ');
}

/**
 * The last parts of a path, one by default: whoever is handed a report has another machine, and the rest may tell of its
 * owner what is nobody's business.
 */
export function pathEnd(path: string, parts = 1): string {
  return (
    path
      .split(/[/\\]+/)
      .filter(Boolean)
      .slice(-parts)
      .join('/') || path
  );
}

/** Name of a file as it stands below a small image: the end of its path, its middle left out where it is long. */
export function shortSource(source: string): string {
  const name = source.split('/').at(-1) ?? source;
  return name.length <= 26 ? name : `${name.slice(0, 10)}…${name.slice(-14)}`;
}
