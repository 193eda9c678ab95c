/**
 * A whole number of [0, 2^53) made of others, each from 0 to 2^53 - 1: the same numbers give the same seed, other
 * numbers an unrelated one.
 */
export function mixSeed(...numbers: number[]): number {
  let high = 0x9e3779b9;
  let low = 0x85ebca6b;
  for (const number of numbers) {
    high = scramble(high ^ Math.floor(number / 2 ** 32)) + low;
    low = scramble(low ^ (number >>> 0)) + Math.imul(high, 0xc2b2ae35);
  }
  return (scramble(high) >>> 11) * 2 ** 32 + (scramble(low ^ high) >>> 0);
}

/** Shuffles in place; the same seed gives the same order. */
export function shuffle(values: Int32Array, seed: number): Int32Array {
  const random = createRandom(seed);
  for (let i = values.length - 1; i > 0; i--) {
    const j = Math.floor(random() * (i + 1));
    const kept = values[i]!;
    values[i] = values[j]!;
    values[j] = kept;
  }
  return values;
}

/** Uniform numbers of [0, 1) with 32 random bits: the generator sfc32. */
function createRandom(seed: number): () => number {
  let [a, b, c, counter] = [0, Math.floor(seed / 2 ** 32) | 0, seed | 0, 1];
  const random = () => {
    const next = (a + b + counter++) | 0;
    a = b ^ (b >>> 9);
    b = (c + (c << 3)) | 0;
    c = ((c << 21) | (c >>> 11)) + next;
    return (next >>> 0) / 2 ** 32;
  };
  for (let i = 0; i < 15; i++) random();
  return random;
}

/** The finaliser of MurmurHash3. */
function scramble(value: number): number {
  let bits = value | 0;
  bits = Math.imul(bits ^ (bits >>> 16), 0x85ebca6b);
  bits = Math.imul(bits ^ (bits >>> 13), 0xc2b2ae35);
  return bits ^ (bits >>> 16);
}
