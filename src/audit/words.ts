import type { Interval } from '../evaluate/interval.ts';

/** 0.9314 -> "93 %"; less than one in ten with a digit: "3.1 %". */
export function percent(share: number): string {
  const value = 100 * share;
  return `${Math.abs(value) < 10 && Math.abs(value) >= 0.05 ? value.toFixed(1) : value.toFixed(0)} %`;
}

/** 0.052 -> "5.2 points". */
export function points(difference: number): string {
  const value =
    Math.abs(100 * difference) < 10 ? (100 * difference).toFixed(1) : (100 * difference).toFixed(0);
  return `${value} ${value === '1.0' ? 'point' : 'points'}`;
}

/** [0.81, 0.92] -> "81 to 92 %". */
export function range([low, high]: Interval): string {
  return `${(100 * low).toFixed(0)} to ${(100 * high).toFixed(0)} %`;
}

/** "a", "a and b", "a, b and c"; past `most` names "a, b, c and 4 more". */
export function listed(names: readonly string[], most = 5): string {
  if (names.length > most) return `${names.slice(0, most).join(', ')} and ${names.length - most} more`;
  if (names.length < 2) return names.join('');
  return `${names.slice(0, -1).join(', ')} and ${names.at(-1)}`;
}

/** "1 cell", "1,234 cells". */
export function counted(number: number, noun: string, plural = `${noun}s`): string {
  return `${number.toLocaleString('en-US')} ${number === 1 ? noun : plural}`;
}
