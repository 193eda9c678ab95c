import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { readSafetensors, writeSafetensors } from '../../src/models/safetensors.ts';

let folder: string;
let path: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'brightcell-safetensors-'));
  path = join(folder, 'weights.safetensors');
});
afterAll(() => rm(folder, { recursive: true }));

const tensor = fc
  .tuple(fc.string(), fc.array(fc.nat(4), { maxLength: 4 }))
  .chain(([name, shape]) =>
    fc
      .float32Array({ minLength: product(shape), maxLength: product(shape) })
      .map(data => ({ name, shape, data })),
  );
const tensorList = fc.uniqueArray(tensor, { selector: one => one.name, maxLength: 5 });

test('tensors and metadata come back bit for bit', async () => {
  await fc.assert(
    fc.asyncProperty(tensorList, fc.dictionary(fc.string(), fc.string()), async (tensors, metadata) => {
      fc.pre(tensors.every(one => one.name !== '__metadata__'));
      await writeSafetensors(path, tensors, metadata);
      const read = await readSafetensors(path);
      expect(new Map(Object.entries(read.metadata))).toEqual(new Map(Object.entries(metadata)));
      expect(sorted(read.tensors)).toEqual(sorted(tensors));
    }),
    { numRuns: 60 },
  );
});

test('the file has the layout that other readers expect', async () => {
  await writeSafetensors(path, [{ name: 'a', shape: [1, 2], data: Float32Array.of(1, -2) }], {
    made: 'here',
  });
  const bytes = await readFile(path);
  const length = Number(bytes.readBigUInt64LE(0));
  expect(length % 8).toBe(0);
  expect(JSON.parse(bytes.toString('utf8', 8, 8 + length))).toEqual({
    __metadata__: { made: 'here' },
    a: { dtype: 'F32', shape: [1, 2], data_offsets: [0, 8] },
  });
  expect([bytes.readFloatLE(8 + length), bytes.readFloatLE(12 + length)]).toEqual([1, -2]);
  expect(bytes.length).toBe(8 + length + 8);
});

test('a file cut at any byte is refused as corrupt', async () => {
  await writeSafetensors(path, [{ name: 'a', shape: [3], data: Float32Array.of(1, 2, 3) }]);
  const whole = await readFile(path);
  for (let length = 0; length < whole.length; length++) {
    await writeFile(path, whole.subarray(0, length));
    await expect(readSafetensors(path)).rejects.toMatchObject({ code: 'model-corrupt' });
  }
});

test('a changed byte anywhere in the header gives a valid file or the corrupt error, never another', async () => {
  await writeSafetensors(path, [
    { name: 'a', shape: [3], data: new Float32Array(3) },
    { name: 'b', shape: [2, 2], data: new Float32Array(4) },
  ]);
  const whole = await readFile(path);
  await fc.assert(
    fc.asyncProperty(fc.nat(whole.length - 1), fc.nat(255), async (at, value) => {
      const changed = Buffer.from(whole);
      changed[at] = value;
      await writeFile(path, changed);
      const outcome = await readSafetensors(path).catch(error => error.code);
      expect(typeof outcome === 'object' || outcome === 'model-corrupt').toBe(true);
    }),
    { numRuns: 300 },
  );
});

test.each([
  ['a header longer than the file', '{}', 1n << 40n],
  ['text that is no JSON', 'hello'],
  ['a list', '[]'],
  ['bytes that are no UTF-8', Buffer.from([0x7b, 0xff, 0x7d])],
  ['an entry that is no object', '{"a":3}'],
  ['another dtype', '{"a":{"dtype":"F16","shape":[4],"data_offsets":[0,8]}}'],
  ['a shape that does not match', '{"a":{"dtype":"F32","shape":[3],"data_offsets":[0,8]}}'],
  ['a negative side', '{"a":{"dtype":"F32","shape":[-1,-2],"data_offsets":[0,8]}}'],
  ['a product past all integers', '{"a":{"dtype":"F32","shape":[9e15,9e15],"data_offsets":[0,8]}}'],
  ['a gap', '{"a":{"dtype":"F32","shape":[1],"data_offsets":[4,8]}}'],
  [
    'an overlap',
    '{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]},"b":{"dtype":"F32","shape":[1],"data_offsets":[4,8]}}',
  ],
  ['bytes left over', '{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}'],
  ['bytes that are not there', '{"a":{"dtype":"F32","shape":[4],"data_offsets":[0,16]}}'],
  [
    'metadata that are not text',
    '{"__metadata__":{"a":1},"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}}',
  ],
])('%s is refused as corrupt', async (_, header, length?: bigint) => {
  const body = Buffer.from(header);
  const prefix = Buffer.alloc(8);
  prefix.writeBigUInt64LE(length ?? BigInt(body.length));
  await writeFile(path, Buffer.concat([prefix, body, Buffer.alloc(8)]));
  await expect(readSafetensors(path)).rejects.toMatchObject({ code: 'model-corrupt' });
});

test('a missing file is named', async () => {
  await expect(readSafetensors(join(folder, 'none'))).rejects.toMatchObject({ code: 'model-missing' });
});

test('a name used twice or a wrong shape is refused and leaves the old file as it was', async () => {
  await writeSafetensors(path, [{ name: 'old', shape: [1], data: Float32Array.of(7) }]);
  const one = { name: 'a', shape: [1], data: new Float32Array(1) };
  await expect(writeSafetensors(path, [one, one])).rejects.toMatchObject({ code: 'option-invalid' });
  await expect(writeSafetensors(path, [{ ...one, shape: [2] }])).rejects.toMatchObject({
    code: 'option-invalid',
  });
  expect((await readSafetensors(path)).tensors[0]!.name).toBe('old');
  expect(await readdir(folder)).toEqual(['weights.safetensors']);
});

function product(shape: number[]): number {
  return shape.reduce((count, side) => count * side, 1);
}

function sorted(tensors: { name: string; shape: number[]; data: Float32Array }[]) {
  const bits = tensors.map(({ name, shape, data }) => ({
    name,
    shape,
    bits: [...new Uint32Array(data.buffer, data.byteOffset, data.length)],
  }));
  return bits.sort((a, b) => (a.name < b.name ? -1 : 1));
}
