import { createReadStream } from 'node:fs';
import { mkdir, readdir, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { crc32 } from 'node:zlib';
import { z } from 'zod';
import type { Preparation } from '../engine/prepare.ts';
import { BrightcellError } from '../errors.ts';
import { corruptModel, parseDescription, placeModel } from '../models/modelFiles.ts';
import { writeWholeFile } from '../wholeFile.ts';

export const classifierFormatVersion = 1;

/** `classifier.json`: all that turns a raw image into probabilities, but the data files beside it. */
export interface ClassifierDescription {
  formatVersion: number;
  kind: 'vectors';
  /** As training called it: 'features+knn'. */
  method: string;
  classes: string[];
  /** How raw images become stored ones. */
  preparation: Preparation;
  pixelType: 'uint8' | 'uint16';
  /** How stored images become vectors; its files are in `source/`. */
  source: unknown;
  /** What was learnt of the vectors; its files are in `learner/`. */
  learner: { name: string; description: unknown };
  /** Every data file. */
  files: DataFile[];
}

interface DataFile {
  path: string;
  bytes: number;
  crc32: number;
}

/**
 * Writes a classifier's folder: `write` puts data files into `source/` and `learner/` of the folder it gets and
 * returns the description without them. A reader never sees half of it. Throws `model-exists` where something stands
 * already, and `disk-full`.
 */
export async function writeClassifierFolder(
  folder: string,
  write: (folder: string) => Promise<Omit<ClassifierDescription, 'files' | 'formatVersion' | 'kind'>>,
): Promise<void> {
  await placeModel(folder, async temporary => {
    for (const part of parts) await mkdir(join(temporary, part));
    const written = await write(temporary);
    const head = { formatVersion: classifierFormatVersion, kind: 'vectors' };
    const description = { ...head, ...written, files: await listFiles(temporary) };
    await writeWholeFile(join(temporary, 'classifier.json'), `${JSON.stringify(description, null, 2)}\n`);
  });
}

const parts = ['source', 'learner'] as const;

async function listFiles(folder: string): Promise<DataFile[]> {
  const files: DataFile[] = [];
  for (const part of parts) {
    for (const name of (await readdir(join(folder, part))).sort()) {
      const path = `${part}/${name}`;
      const { size } = await stat(join(folder, path));
      files.push({ path, bytes: size, crc32: await checksum(join(folder, path)) });
    }
  }
  return files;
}

async function checksum(path: string): Promise<number> {
  let sum = 0;
  for await (const bytes of createReadStream(path, { highWaterMark: 1 << 20 })) sum = crc32(bytes, sum);
  return sum;
}

/**
 * Reads and checks `classifier.json` and the length and checksum of every data file it names. Throws `model-missing`,
 * `model-newer`, `model-corrupt`.
 */
export async function readClassifierFolder(folder: string): Promise<ClassifierDescription> {
  const path = join(folder, 'classifier.json');
  const text = await readFile(path, 'utf8').catch(cause => {
    throw new BrightcellError(
      'model-missing',
      `There is no model at ${folder}: no classifier.json. Give a run folder or the model folder in it.`,
      { cause, fields: { path } },
    );
  });
  const description = parse(text, path);
  for (const file of description.files) await checkFile(folder, file);
  return description;
}

const schema = z.object({
  formatVersion: z.literal(classifierFormatVersion),
  kind: z.literal('vectors'),
  method: z.string().min(1),
  classes: z
    .array(z.string())
    .min(2)
    .refine(names => new Set(names).size === names.length, 'a class stands twice'),
  preparation: z.object({
    height: z.int().min(1).max(20_000),
    width: z.int().min(1).max(20_000),
    channels: z.union([z.literal('gray'), z.array(z.int().min(0)).min(1).max(64)]),
    fit: z.enum(['stretch', 'pad', 'centre']),
  }),
  pixelType: z.enum(['uint8', 'uint16']),
  source: z.unknown(),
  learner: z.object({ name: z.string(), description: z.unknown() }),
  files: z.array(
    z.object({
      // Nothing outside the folder is ever opened.
      path: z.string().regex(/^(source|learner)\/\w[\w.-]*$/),
      bytes: z.int().min(0),
      crc32: z.int().min(0),
    }),
  ),
});

function parse(text: string, path: string): ClassifierDescription {
  const result = schema.safeParse(parseDescription(text, path, classifierFormatVersion));
  if (result.success) return result.data;
  const { path: place, message } = result.error.issues[0]!;
  throw corruptModel(path, `"${place.join('.')}": ${message}`);
}

async function checkFile(folder: string, file: DataFile): Promise<void> {
  const path = join(folder, file.path);
  const size = await stat(path).then(
    found => (found.isFile() ? found.size : undefined),
    () => undefined,
  );
  if (size !== file.bytes) {
    throw corruptModel(
      path,
      size === undefined ? 'it is missing' : `it must have ${file.bytes} bytes and has ${size}`,
    );
  }
  if ((await checksum(path)) !== file.crc32) {
    throw corruptModel(path, 'its bytes do not match the checksum written with them');
  }
}
