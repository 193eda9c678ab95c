import { BrightcellError } from '../errors.ts';

/** Bytes before the pixels of every shard; fixed, so that a header can be rewritten with a larger count. */
export const npyHeaderBytes = 128;

/** Element types of arrays that we read or write, as NumPy names them. */
export type NpyType = string;

export interface NpyHeader {
  type: NpyType;
  shape: number[];
  fortranOrder: boolean;
  /** Where the elements start. */
  offset: number;
}

/** Header of a NumPy file (version 1.0, C order), padded to `npyHeaderBytes`. */
export function encodeNpyHeader(type: NpyType, shape: number[]): Buffer {
  const tuple = shape.length === 1 ? `(${shape[0]},)` : `(${shape.join(', ')})`;
  const text = `{'descr': '${type}', 'fortran_order': False, 'shape': ${tuple}, }`;
  const header = Buffer.alloc(npyHeaderBytes, ' ');
  header.write('\x93NUMPY\x01\x00', 0, 'latin1');
  header.writeUInt16LE(npyHeaderBytes - 10, 8);
  header.write(text, 10, 'latin1');
  header[npyHeaderBytes - 1] = 0x0a;
  return header;
}

/**
 * Reads the header of a NumPy file of version 1, 2 or 3 from its first bytes. Throws `dataset-corrupt` that
 * names `path` when they are not one.
 */
export function decodeNpyHeader(bytes: Uint8Array, path: string): NpyHeader {
  const view = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (view.length < 12 || view.toString('latin1', 0, 6) !== '\x93NUMPY')
    throw notNpy(path, 'its first bytes');
  const wide = view[6]! >= 2;
  const offset = wide ? 12 + view.readUInt32LE(8) : 10 + view.readUInt16LE(8);
  const text = view.toString('latin1', wide ? 12 : 10, offset);
  const type = /'descr'\s*:\s*'([^']+)'/.exec(text)?.[1];
  const order = /'fortran_order'\s*:\s*(True|False)/.exec(text)?.[1];
  const tuple = /'shape'\s*:\s*\(([^)]*)\)/.exec(text)?.[1];
  if (type === undefined || order === undefined || tuple === undefined) throw notNpy(path, 'its header');
  const shape = tuple.split(',').filter(part => part.trim() !== '');
  if (!shape.every(part => /^\s*\d+L?\s*$/.test(part))) throw notNpy(path, 'its shape');
  return {
    type,
    shape: shape.map(part => Number.parseInt(part, 10)),
    fortranOrder: order === 'True',
    offset,
  };
}

function notNpy(path: string, what: string): BrightcellError {
  return new BrightcellError(
    'dataset-corrupt',
    `${path} must be a NumPy array file, but ${what} cannot be read. Restore the file from a copy, or import again.`,
    { fields: { path } },
  );
}
