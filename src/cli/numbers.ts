import { InvalidArgumentError } from 'commander';

/** A parser of whole numbers from `from` to `to`; anything else is refused with the valid range. */
export function wholeNumber(from: number, to: number = Number.MAX_SAFE_INTEGER): (text: string) => number {
  const range = to === Number.MAX_SAFE_INTEGER ? `of at least ${from}` : `from ${from} to ${to}`;
  return text => {
    const value = parse(text);
    if (Number.isSafeInteger(value) && value >= from && value <= to) return value;
    throw new InvalidArgumentError(`It must be a whole number ${range}.`);
  };
}

/** A parser of finite numbers from `from` to `to`; `open` at an end leaves that end out. */
export function realNumber(
  from: number,
  to: number = Number.POSITIVE_INFINITY,
  { open }: { open?: 'below' | 'both' } = {},
): (text: string) => number {
  const low = open ? `greater than ${from}` : `of at least ${from}`;
  const high = open === 'both' ? `less than ${to}` : `at most ${to}`;
  const range = to === Number.POSITIVE_INFINITY ? low : `${low} and ${high}`;
  return text => {
    const value = parse(text);
    const above = open ? value > from : value >= from,
      below = open === 'both' ? value < to : value <= to;
    if (Number.isFinite(value) && above && below) return value;
    throw new InvalidArgumentError(`It must be a number ${range}.`);
  };
}

/** Parses a comma-separated list with a parser of its items. */
export function listOf<T>(item: (text: string) => T): (text: string) => T[] {
  return text => text.split(',').map(part => item(part.trim()));
}

/** Parses "128" or "64x440" (height x width) to [height, width]. */
export function imageSize(text: string): [number, number] {
  const sides = text.split(/[x×]/).map(parse);
  const [height, width = height] = sides;
  const valid = (side: number | undefined) => Number.isInteger(side) && side! >= 1 && side! <= 4096;
  if (sides.length <= 2 && valid(height) && valid(width)) return [height!, width!];
  throw new InvalidArgumentError('It must be HEIGHTxWIDTH, each from 1 to 4096, such as 128x128.');
}

/** Strict: no blanks, no hexadecimal, no trailing letters. */
function parse(text: string): number {
  return /^[-+]?(\d+\.?\d*|\.\d+)(e[-+]?\d+)?$/i.test(text) ? Number(text) : Number.NaN;
}
