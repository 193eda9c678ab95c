// What every bench does with numbers.

export function median(numbers: readonly number[]): number {
  return percentile(numbers, 0.5);
}

/** Between the two nearest where it falls between. */
export function percentile(numbers: readonly number[], share: number): number {
  const sorted = [...numbers].sort((a, b) => a - b);
  const place = share * (sorted.length - 1);
  const low = sorted[Math.floor(place)]!;
  const high = sorted[Math.ceil(place)]!;
  return low + (high - low) * (place - Math.floor(place));
}

/** A whole number of at least 1 from an option's text; anything else ends the program with a word of what is wrong. */
export function wholeNumber(name: string, text: string): number {
  const value = Number(text);
  if (Number.isInteger(value) && value >= 1) return value;
  console.error(`--${name} must be a whole number of at least 1. Received ${text}.`);
  process.exit(2);
}

/** Between turns: threads of other programs look out for work for up to some 30 ms before they sleep (OpenBLAS's). */
export const restMs = 100;
