// Numbers that the tests and bench/peers/ten_steps.py both compute, from an integer hash.

/** mix(index) in [0, 2^32): the finaliser of MurmurHash3. */
export function hash32(index: number): number {
  let z = Math.imul(index, 0x9e3779b1);
  z = Math.imul(z ^ (z >>> 16), 0x85ebca6b);
  z = Math.imul(z ^ (z >>> 13), 0xc2b2ae35);
  return (z ^ (z >>> 16)) >>> 0;
}

/** `count` numbers in [-1, 1) for the tensor of this number. */
export function uniform(tensor: number, count: number): Float64Array {
  const start = (tensor + 1) * 2 ** 24;
  const numbers = new Float64Array(count);
  for (let i = 0; i < count; i++) numbers[i] = hash32(start + i) / 2 ** 31 - 1;
  return numbers;
}
