import type { Readable } from 'node:stream';
import { promisify } from 'node:util';
import { type Entry, open as openZip, type ZipFile } from 'yauzl';
import type { SplitName } from '../dataset/format.ts';
import { decodeNpyHeader, type NpyHeader } from '../dataset/npy.ts';
import { BrightcellError } from '../errors.ts';
import { longestSide } from './openImage.ts';
import type { ImportOptions } from './options.ts';
import { invalidSource, maybeSplit, type Source, type SourceImage } from './source.ts';

/**
 * A MedMNIST file: `train_images` [n, H, W] or [n, H, W, 1 to 4], `train_labels` [n] or [n, 1], and so for val and
 * test; pixels of 8 or 16 bits. Images are streamed out of the archive, so a file larger than memory is fine.
 */
export async function readNpz(file: string, options: ImportOptions): Promise<Source> {
  const archive = await openArchive(file);
  const parts = await findParts(file, archive);
  const labels = new Set<number>();
  for (const part of parts) for (const label of part.labels) labels.add(label);
  const most = Math.max(...labels);
  if (options.classes !== undefined && most >= options.classes.length)
    throw invalidSource(
      `${file} has labels up to ${most}, but only ${options.classes.length} class names were given.`,
    );
  const nameOf = (label: number) => options.classes?.[label] ?? String(label);
  return {
    description: `MedMNIST archive of ${parts.map(part => part.name).join(', ')}`,
    classes: options.classes ?? [...labels].sort((a, b) => a - b).map(String),
    total: parts.reduce((sum, part) => sum + part.labels.length, 0),
    images: () => streamImages(archive, parts, nameOf),
    failures: [],
    skipped: 0,
    close: () => archive.zip.close(),
    warnings: options.classes ? [] : ['The archive has no class names; its labels are used as names.'],
  };
}

interface Part {
  name: string;
  split: SplitName | null;
  images: Entry;
  labels: number[];
}

async function findParts(file: string, archive: Archive): Promise<Part[]> {
  const parts: Part[] = [];
  for (const word of ['train', 'val', 'test']) {
    const images = archive.entries.get(`${word}_images.npy`);
    if (images === undefined) continue;
    const labels = archive.entries.get(`${word}_labels.npy`);
    if (labels === undefined) throw invalidSource(`${file} must hold ${word}_labels beside ${word}_images.`);
    const numbers = await readLabels(archive, labels, `${file}: ${word}_labels`);
    parts.push({ name: `${word}_images`, split: maybeSplit(word) ?? null, images, labels: numbers });
  }
  if (parts.length > 0) return parts;
  throw invalidSource(
    `${file} must hold train_images and train_labels, as MedMNIST's files do. ` +
      `Received ${[...archive.entries.keys()].join(', ') || 'an empty archive'}.`,
  );
}

async function readLabels(archive: Archive, entry: Entry, name: string): Promise<number[]> {
  const chunks: Buffer[] = [];
  if (entry.uncompressedSize > 2 ** 31) throw invalidSource(`${name} must be smaller than 2 GiB.`);
  for await (const chunk of await archive.read(entry)) chunks.push(chunk as Buffer);
  const bytes = Buffer.concat(chunks);
  const header = decodeHeader(bytes, name);
  const count = header.shape[0] ?? 0;
  if (header.shape.slice(1).some(length => length !== 1))
    throw invalidSource(
      `${name} must have one label an image. Received the shape [${header.shape.join(', ')}].`,
    );
  const read = integerReaders[header.type];
  if (read === undefined)
    throw invalidSource(`${name} must be whole numbers. Received the type ${header.type}.`);
  const size = Number(header.type.slice(2));
  if (bytes.length < header.offset + count * size) throw invalidSource(`${name} is cut short.`);
  const labels = Array.from({ length: count }, (_, i) => read(bytes, header.offset + i * size));
  const wrong = labels.find(label => label < 0 || !Number.isSafeInteger(label));
  if (wrong !== undefined) throw invalidSource(`${name} must be numbers from 0. Received ${wrong}.`);
  return labels;
}

const integerReaders: Record<string, (bytes: Buffer, at: number) => number> = {
  '|u1': (bytes, at) => bytes.readUInt8(at),
  '|i1': (bytes, at) => bytes.readInt8(at),
  '<u2': (bytes, at) => bytes.readUInt16LE(at),
  '<i2': (bytes, at) => bytes.readInt16LE(at),
  '<u4': (bytes, at) => bytes.readUInt32LE(at),
  '<i4': (bytes, at) => bytes.readInt32LE(at),
  '<u8': (bytes, at) => Number(bytes.readBigUInt64LE(at)),
  '<i8': (bytes, at) => Number(bytes.readBigInt64LE(at)),
};

async function* streamImages(
  archive: Archive,
  parts: Part[],
  nameOf: (label: number) => string,
): AsyncGenerator<SourceImage> {
  try {
    for (const part of parts) {
      const stream = await archive.read(part.images);
      let frame = 0;
      for await (const { pixels, height, width, channels } of readArray(stream, part)) {
        const raw = { pixels, height, width, channels };
        const label = nameOf(part.labels[frame]!);
        yield {
          source: part.name,
          label,
          group: null,
          split: part.split,
          truth: null,
          content: { raw, frame },
        };
        frame++;
      }
    }
  } catch (cause) {
    if (cause instanceof BrightcellError) throw cause;
    throw invalidSource(
      `The archive must be whole, but reading it failed: ${(cause as Error).message}.`,
      cause,
    );
  }
}

async function* readArray(stream: Readable, part: Part) {
  const take = bufferedReader(stream);
  const start = await take(12);
  const headerLength = start[6]! >= 2 ? start.readUInt32LE(8) : start.readUInt16LE(8) - 2;
  if (headerLength > 65_536)
    throw invalidSource(`${part.name} must be a NumPy array, but has no header of one.`);
  const header = decodeHeader(Buffer.concat([start, await take(headerLength)]), part.name);
  const [height, width, channels] = imageShape(header, part);
  const bytes = header.type === '|u1' ? 1 : 2;
  for (let i = 0; i < part.labels.length; i++) {
    const block = await take(height * width * channels * bytes);
    const pixels = bytes === 1 ? new Uint8Array(block) : new Uint16Array(new Uint8Array(block).buffer);
    yield { pixels, height, width, channels };
  }
}

function imageShape(header: NpyHeader, part: Part): [number, number, number] {
  const { shape, type, fortranOrder } = header;
  const [count, height, width, channels = 1] = shape;
  const fits =
    (shape.length === 3 || (shape.length === 4 && channels >= 1 && channels <= 4)) && !fortranOrder;
  if (!fits || !(height! > 0 && height! <= longestSide) || !(width! > 0 && width! <= longestSide))
    throw invalidSource(
      `${part.name} must have the shape [n, height, width] or [n, height, width, 1 to 4] in C order. ` +
        `Received [${shape.join(', ')}]${fortranOrder ? ' in Fortran order' : ''}.`,
    );
  if (type !== '|u1' && type !== '<u2')
    throw invalidSource(`${part.name} must have pixels of type |u1 or <u2. Received ${type}.`);
  if (count !== part.labels.length)
    throw invalidSource(
      `${part.name} must have one label an image. Received ${count} images, ${part.labels.length} labels.`,
    );
  return [height!, width!, channels];
}

function decodeHeader(bytes: Buffer, name: string): NpyHeader {
  try {
    return decodeNpyHeader(bytes, name);
  } catch (cause) {
    throw invalidSource(`${name} must be a NumPy array.`, cause);
  }
}

/** Gives the next so many bytes of a stream. */
function bufferedReader(stream: Readable): (length: number) => Promise<Buffer> {
  const chunks = stream[Symbol.asyncIterator]() as AsyncIterator<Buffer>;
  let rest: Buffer[] = [];
  let available = 0;
  return async length => {
    while (available < length) {
      const { value, done } = await chunks.next();
      if (done) throw invalidSource('The archive must hold every image that it announces, but is cut short.');
      rest.push(value);
      available += value.length;
    }
    const joined = rest.length === 1 ? rest[0]! : Buffer.concat(rest);
    rest = [joined.subarray(length)];
    available -= length;
    return joined.subarray(0, length);
  };
}

interface Archive {
  zip: ZipFile;
  entries: Map<string, Entry>;
  read: (entry: Entry) => Promise<Readable>;
}

async function openArchive(file: string): Promise<Archive> {
  const notZip = (cause: unknown) =>
    invalidSource(`${file} must be an .npz file. ${(cause as Error).message}.`, cause);
  const zip = await new Promise<ZipFile>((resolve, reject) => {
    openZip(file, { lazyEntries: true, autoClose: false }, (error, opened) =>
      error ? reject(notZip(error)) : resolve(opened),
    );
  });
  const entries = new Map<string, Entry>();
  await new Promise<void>((resolve, reject) => {
    zip.on('entry', (entry: Entry) => {
      entries.set(entry.fileName, entry);
      zip.readEntry();
    });
    zip.on('end', resolve);
    zip.on('error', error => reject(notZip(error)));
    zip.readEntry();
  });
  const openStream = promisify<Entry, Readable>(zip.openReadStream.bind(zip));
  return { zip, entries, read: openStream };
}
