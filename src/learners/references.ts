// R references, D numbers each, K classes.
import { open, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { decodeNpyHeader, encodeNpyHeader, npyHeaderBytes } from '../dataset/npy.ts';
import { createRandom, shuffle } from '../dataset/random.ts';
import { apportion } from '../dataset/stratify.ts';
import { type ImageFile, ImageSet, type PixelType } from '../engine/imageSet.ts';
import { BrightcellError } from '../errors.ts';
import { type Job, throwIfCancelled } from '../job.ts';
import { corruptModel } from '../models/modelFiles.ts';
import { writeWholeFile } from '../wholeFile.ts';
import type { LabelledVectors } from './learner.ts';

/** Labelled vectors in ascending order of their rows, so that a lower place is a lower row. */
export function sortReferences({ set, rows, labels, classes }: LabelledVectors): LabelledVectors {
  return take({ set, rows, labels, classes }, Int32Array.from(rows.keys()));
}

/** `count` of the vectors, each class with its share and at least one where `count` allows, drawn by the seed. */
export function drawReferences(vectors: LabelledVectors, count: number, seed: number): LabelledVectors {
  const { labels, classes: K, rows } = vectors;
  if (count > rows.length) {
    throw new BrightcellError(
      'option-invalid',
      `reference of knn must be at most the number of training vectors, ${rows.length}. Received ${count}. ` +
        'Take fewer, or all.',
    );
  }
  const byClass = Array.from({ length: K }, () => [] as number[]);
  labels.forEach((label, i) => {
    byClass[label]!.push(i);
  });
  const counts = apportion(
    count,
    byClass.map(members => members.length / rows.length),
  );
  const random = createRandom(seed);
  const drawn = byClass.flatMap((members, k) => {
    shuffle(members, random);
    return members.slice(0, counts[k]);
  });
  return take(vectors, Int32Array.from(drawn));
}

/** Those at `places`, in ascending order of their rows; of one row given twice, the earlier first. */
function take({ set, rows, labels, classes }: LabelledVectors, places: Int32Array): LabelledVectors {
  places.sort((a, b) => rows[a]! - rows[b]! || a - b);
  return { set, rows: places.map(i => rows[i]!), labels: places.map(i => labels[i]!), classes };
}

const types: Record<PixelType, { npy: string; bytes: number }> = {
  uint8: { npy: '|u1', bytes: 1 },
  uint16: { npy: '<u2', bytes: 2 },
  float32: { npy: '<f4', bytes: 4 },
};

/** What a model's description says of its references. */
export const referencesSchema = z.object({
  type: z.enum(['uint8', 'uint16', 'float32']),
  shape: z.tuple([z.int().min(1).max(64), z.int().min(1).max(20_000), z.int().min(1).max(20_000)]),
  count: z
    .int()
    .min(1)
    .max(2 ** 31 - 1),
  perShard: z.int().min(1),
  classes: z.int().min(2).max(100_000),
});
type Description = z.infer<typeof referencesSchema>;

const shardBytes = 2 ** 28;

/**
 * Writes `references-00000.npy`, ... ([R, C, H, W], 256 MiB each) and `labels.npy` into the folder; returns their
 * description. Throws `disk-full`, `cancelled`.
 */
export async function saveReferences(
  folder: string,
  { set, rows, labels, classes }: LabelledVectors,
  job: Job = {},
): Promise<Description> {
  const { channels, height, width } = set.shape;
  const shape: Description['shape'] = [channels, height, width];
  const vectorBytes = channels * height * width * types[set.type].bytes;
  const perShard = Math.max(1, Math.floor(shardBytes / vectorBytes));
  for (let at = 0; at < rows.length; at += perShard) {
    await writeShard(join(folder, shardName(at / perShard)), set, rows.subarray(at, at + perShard), job);
  }
  await writeWholeFile(
    join(folder, labelsName),
    Buffer.concat([encodeNpyHeader('<i4', [labels.length]), bytesOf(labels)]),
  );
  return { type: set.type, shape, count: rows.length, perShard, classes };
}

const labelsName = 'labels.npy';
const shardName = (index: number) => `references-${String(index).padStart(5, '0')}.npy`;

async function writeShard(path: string, set: ImageSet, rows: Int32Array, job: Job): Promise<void> {
  const { channels, height, width } = set.shape;
  const perWrite = Math.max(1, Math.floor(8e6 / (channels * height * width * types[set.type].bytes)));
  await writeWholeFile(path, async file => {
    await file.appendFile(encodeNpyHeader(types[set.type].npy, [rows.length, channels, height, width]));
    for (let at = 0; at < rows.length; at += perWrite) {
      throwIfCancelled(job);
      const block = Array.from(rows.subarray(at, at + perWrite), row => bytesOf(set.read(row)));
      await file.appendFile(Buffer.concat(block));
    }
  });
}

function bytesOf({ buffer, byteOffset, byteLength }: NodeJS.TypedArray): Uint8Array {
  return new Uint8Array(buffer, byteOffset, byteLength);
}

/** Maps what `saveReferences` wrote; whoever called closes the set. Throws `model-corrupt`. */
export async function loadReferences(folder: string, description: Description): Promise<LabelledVectors> {
  const { type, shape, count, perShard, classes } = description;
  const [channels, height, width] = shape;
  const labels = await readLabels(join(folder, labelsName), count, classes);
  const files: ImageFile[] = [];
  for (let at = 0; at < count; at += perShard) {
    const path = join(folder, shardName(files.length));
    files.push(await checkShard(path, type, [Math.min(perShard, count - at), ...shape]));
  }
  const set = ImageSet.map(files, type, { channels, height, width });
  return { set, rows: Int32Array.from({ length: count }, (_, i) => i), labels, classes };
}

async function checkShard(path: string, type: PixelType, shape: number[]): Promise<ImageFile> {
  const expected = encodeNpyHeader(types[type].npy, shape);
  const bytes = types[type].bytes * shape.reduce((product, side) => product * side, 1);
  const { header, size } = await readStart(path);
  if (!header.equals(expected)) {
    const found = describe(header, path);
    throw corruptModel(path, `it must hold ${types[type].npy} [${shape.join(', ')}] and ${found}`);
  }
  if (size !== npyHeaderBytes + bytes) {
    throw corruptModel(path, `it must have ${npyHeaderBytes + bytes} bytes and has ${size}`);
  }
  return { path, offset: npyHeaderBytes, count: shape[0]! };
}

function describe(header: Buffer, path: string): string {
  try {
    const { type, shape } = decodeNpyHeader(header, path);
    return `holds ${type} [${shape.join(', ')}]`;
  } catch {
    return 'is no NumPy file of ours';
  }
}

async function readStart(path: string): Promise<{ header: Buffer; size: number }> {
  const file = await open(path, 'r').catch(cause => {
    throw corruptModel(path, 'it cannot be read', cause);
  });
  try {
    const header = Buffer.alloc(npyHeaderBytes);
    await file.read(header, 0, npyHeaderBytes, 0);
    return { header, size: (await file.stat()).size };
  } finally {
    await file.close();
  }
}

async function readLabels(path: string, count: number, classes: number): Promise<Int32Array> {
  const { header, size } = await readStart(path);
  if (!header.equals(encodeNpyHeader('<i4', [count])) || size !== npyHeaderBytes + 4 * count) {
    throw corruptModel(path, `it must hold ${count} labels`);
  }
  const bytes = await readFile(path);
  const labels = new Int32Array(new Uint8Array(bytes.subarray(npyHeaderBytes)).buffer);
  const wrong = labels.find(label => label < 0 || label >= classes);
  if (wrong !== undefined) throw corruptModel(path, `a label is ${wrong}, and there are ${classes} classes`);
  return labels;
}
