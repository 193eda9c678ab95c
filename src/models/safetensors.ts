import { type FileHandle, open } from 'node:fs/promises';
import type { NamedTensor } from '../engine/networkState.ts';
import { BrightcellError } from '../errors.ts';
import { writeWholeFile } from '../wholeFile.ts';

// A safetensors file: 8 bytes header length (little-endian), the header as JSON, then the tensors' bytes, which
// fill the rest without gap or overlap. Only F32 is written and read here.

/** A safetensors file's content. */
export interface TensorFile {
  tensors: NamedTensor[];
  /** Free text by name, the header's `__metadata__`. */
  metadata: Record<string, string>;
}

const largestHeader = 100_000_000; // the limit of the reference implementation
const metadataKey = '__metadata__';

/**
 * Writes float32 tensors, in the order given, as a safetensors file, whole or not at all.
 * Throws `option-invalid` on a name used twice or a shape that does not match the data, `disk-full`.
 */
export async function writeSafetensors(
  path: string,
  tensors: readonly NamedTensor[],
  metadata: Record<string, string> = {},
): Promise<void> {
  const header = encodeHeader(tensors, metadata);
  await writeWholeFile(path, async file => {
    await file.appendFile(header);
    for (const { data } of tensors) {
      await writeBytes(file, new Uint8Array(data.buffer, data.byteOffset, data.byteLength));
    }
  });
}

/**
 * Reads a safetensors file of float32 tensors, in the order of their bytes. Every length, offset and shape is
 * checked before memory is asked for. Throws `model-missing` when there is no such file, `model-corrupt` when it
 * is not a whole and valid safetensors file.
 */
export async function readSafetensors(path: string): Promise<TensorFile> {
  const file = await open(path, 'r').catch(cause => {
    if (cause.code !== 'ENOENT') throw cause;
    throw new BrightcellError(
      'model-missing',
      `There is no weights file ${path}. Give the folder of a trained model.`,
      {
        cause,
        fields: { path },
      },
    );
  });
  try {
    return await readOpenFile(file, path);
  } finally {
    await file.close();
  }
}

function encodeHeader(tensors: readonly NamedTensor[], metadata: Record<string, string>): Uint8Array {
  const entries: [string, unknown][] = Object.keys(metadata).length > 0 ? [[metadataKey, metadata]] : [];
  const seen = new Set<string>([metadataKey]);
  let offset = 0;
  for (const { name, shape, data } of tensors) {
    if (seen.has(name)) refuse(`Tensor names must be used once. Received "${name}" again.`);
    if (elementCount(shape) !== data.length) {
      refuse(
        `A tensor's shape must match its data. Received [${shape}] for the ${data.length} numbers of "${name}".`,
      );
    }
    seen.add(name);
    entries.push([name, { dtype: 'F32', shape, data_offsets: [offset, (offset += data.byteLength)] }]);
  }
  // Object.fromEntries would put number-like names first; order in the JSON carries no meaning, so that is fine.
  const json = new TextEncoder().encode(JSON.stringify(Object.fromEntries(entries)));
  const padded = Math.ceil(json.length / 8) * 8; // with spaces, so that the numbers are aligned when mapped
  if (padded > largestHeader)
    refuse(`The header of a safetensors file must be at most ${largestHeader} bytes.`);
  const header = new Uint8Array(8 + padded).fill(0x20);
  new DataView(header.buffer).setBigUint64(0, BigInt(padded), true);
  header.set(json, 8);
  return header;
}

function refuse(message: string): never {
  throw new BrightcellError('option-invalid', message);
}

/** Product of a valid shape (1 for []), else NaN. */
function elementCount(shape: readonly unknown[]): number {
  let count = 1;
  for (const side of shape) {
    if (!Number.isSafeInteger(side) || (side as number) < 0) return Number.NaN;
    count *= side as number;
  }
  return Number.isSafeInteger(count) ? count : Number.NaN;
}

const chunkBytes = 1 << 28; // one read or write of the system takes less than 2 GiB

async function writeBytes(file: FileHandle, bytes: Uint8Array): Promise<void> {
  for (let at = 0; at < bytes.length; at += chunkBytes)
    await file.appendFile(bytes.subarray(at, at + chunkBytes));
}

async function readOpenFile(file: FileHandle, path: string): Promise<TensorFile> {
  const { size } = await file.stat();
  const corrupt = (what: string): never => {
    throw new BrightcellError(
      'model-corrupt',
      `${path} is not a valid safetensors file: ${what}. Copy the model again from its source, or train again.`,
      { fields: { path } },
    );
  };
  if (size < 8) corrupt(`it must have at least 8 bytes and has ${size}`);
  const prefix = await readBytes(file, 0, 8, corrupt);
  const headerBytes = new DataView(prefix.buffer).getBigUint64(0, true);
  if (headerBytes > largestHeader || Number(headerBytes) > size - 8) {
    corrupt(`its header would be ${headerBytes} bytes long in a file of ${size} bytes`);
  }
  const start = 8 + Number(headerBytes);
  const header = parseHeader(await readBytes(file, 8, start - 8, corrupt), size - start, corrupt);
  const tensors: NamedTensor[] = [];
  for (const { name, shape, begin, end } of header.entries) {
    const bytes = await readBytes(file, start + begin, end - begin, corrupt);
    tensors.push({ name, shape, data: new Float32Array(bytes.buffer) });
  }
  return { tensors, metadata: header.metadata };
}

type Corrupt = (what: string) => never;

async function readBytes(
  file: FileHandle,
  position: number,
  length: number,
  corrupt: Corrupt,
): Promise<Uint8Array> {
  const bytes = new Uint8Array(length);
  let at = 0;
  while (at < length) {
    const { bytesRead } = await file.read(bytes, at, Math.min(length - at, chunkBytes), position + at);
    if (bytesRead === 0) corrupt('it ends too early');
    at += bytesRead;
  }
  return bytes;
}

interface Entry {
  name: string;
  shape: number[];
  begin: number;
  end: number;
}

function parseHeader(bytes: Uint8Array, dataBytes: number, corrupt: Corrupt) {
  let parsed: unknown;
  try {
    parsed = JSON.parse(new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes));
  } catch {
    corrupt('its header is not JSON');
  }
  if (!isRecord(parsed)) return corrupt('its header is not a JSON object');
  const metadata = parsed[metadataKey] ?? {};
  if (!isRecord(metadata) || !Object.values(metadata).every(value => typeof value === 'string')) {
    return corrupt('its metadata are not text');
  }
  const entries = Object.entries(parsed)
    .filter(([name]) => name !== metadataKey)
    .map(([name, value]) => parseEntry(name, value, corrupt))
    .sort((a, b) => a.begin - b.begin || a.end - b.end);
  let at = 0;
  for (const { name, begin, end } of entries) {
    if (begin !== at) corrupt(`tensor "${name}" must start at byte ${at} of the data and starts at ${begin}`);
    at = end;
  }
  if (at !== dataBytes) corrupt(`its tensors fill ${at} bytes and ${dataBytes} are there`);
  return { entries, metadata: metadata as Record<string, string> };
}

function parseEntry(name: string, value: unknown, corrupt: Corrupt): Entry {
  const {
    dtype,
    shape,
    data_offsets: offsets,
  } = isRecord(value) ? value : corrupt(`tensor "${name}" is no object`);
  if (dtype !== 'F32') corrupt(`tensor "${name}" must have dtype F32 and has ${JSON.stringify(dtype)}`);
  const count = Array.isArray(shape) ? elementCount(shape) : Number.NaN;
  const [begin, end] = Array.isArray(offsets) && offsets.length === 2 ? offsets : [Number.NaN, Number.NaN];
  // The order of bytes is checked by the caller: together they must fill the data.
  if (!Number.isSafeInteger(begin) || begin < 0 || !Number.isSafeInteger(end) || end - begin !== count * 4) {
    corrupt(
      `shape ${JSON.stringify(shape)} and offsets ${JSON.stringify(offsets)} of "${name}" do not agree`,
    );
  }
  return { name, shape: shape as number[], begin, end };
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
