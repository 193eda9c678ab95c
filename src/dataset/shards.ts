import { type FileHandle, mkdir, open, readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { ImageFile } from '../engine/imageSet.ts';
import { BrightcellError } from '../errors.ts';
import { asDiskFull } from '../wholeFile.ts';
import { bytesPerCell, cellsPerShard, type DatasetHeader } from './format.ts';
import { decodeNpyHeader, encodeNpyHeader, npyHeaderBytes } from './npy.ts';

/**
 * The shards of a data set: `images/00000.npy`, ... All but the last are full. What the catalogue has not
 * committed may stand behind the committed cells; it is ignored by readers and cut off by writers.
 */
export class Shards {
  readonly folder: string;
  #header: DatasetHeader;
  #open: { shard: number; file: FileHandle } | undefined;

  constructor(dataset: string, header: DatasetHeader) {
    this.folder = join(dataset, 'images');
    this.#header = header;
  }

  /** Where cell `id` is stored. */
  place(id: number): { shard: number; row: number } {
    const perShard = cellsPerShard(this.#header);
    return { shard: Math.floor(id / perShard), row: id % perShard };
  }

  /** What to map for the first `count` cells. */
  files(count: number): ImageFile[] {
    const perShard = cellsPerShard(this.#header);
    const files: ImageFile[] = [];
    for (let first = 0; first < count; first += perShard) {
      const path = this.path(files.length);
      files.push({ path, offset: npyHeaderBytes, count: Math.min(perShard, count - first) });
    }
    return files;
  }

  path(shard: number): string {
    return join(this.folder, `${String(shard).padStart(5, '0')}.npy`);
  }

  /** Checks that each shard is there, says what dataset.json says, and holds `count` cells in all. */
  async check(count: number): Promise<void> {
    for (const { path, count: cells } of this.files(count)) await this.#checkShard(path, cells);
  }

  async #checkShard(path: string, cells: number): Promise<void> {
    const file = await open(path, 'r').catch(cause => {
      throw corrupt(path, 'must be there and readable', String(cause.message), cause);
    });
    try {
      const bytes = Buffer.alloc(npyHeaderBytes);
      await file.read(bytes, 0, npyHeaderBytes, 0);
      const { type, shape, fortranOrder, offset } = decodeNpyHeader(bytes, path);
      const expected = `${npyType(this.#header)} [at least ${cells}, ${imageShape(this.#header).join(', ')}]`;
      const same = shape.length === 4 && imageShape(this.#header).every((side, i) => side === shape[i + 1]);
      if (
        !same ||
        type !== npyType(this.#header) ||
        fortranOrder ||
        offset !== npyHeaderBytes ||
        shape[0]! < cells
      )
        throw corrupt(path, `must hold ${expected}`, `${type} [${shape.join(', ')}]`);
      const least = npyHeaderBytes + cells * bytesPerCell(this.#header);
      const { size } = await file.stat();
      if (size < least) throw corrupt(path, `must be at least ${least} bytes long`, `${size} bytes`);
    } finally {
      await file.close();
    }
  }

  /** Makes the shards hold exactly the first `count` cells: what a killed writer left behind goes. */
  async truncate(count: number): Promise<void> {
    await this.#close();
    await mkdir(this.folder, { recursive: true });
    const kept = this.files(count);
    const names = new Set(kept.map((_, shard) => this.path(shard)));
    for (const name of await readdir(this.folder)) {
      const path = join(this.folder, name);
      if (/^\d{5,}\.npy$/.test(name) && !names.has(path)) await rm(path);
    }
    for (const { path, count: cells } of kept) {
      const file = await open(path, 'r+');
      try {
        const size = npyHeaderBytes + cells * bytesPerCell(this.#header);
        if ((await file.stat()).size === size) continue;
        await file.truncate(size);
        await writeFully(file, this.#npyHeader(cells), 0);
        await file.datasync();
      } finally {
        await file.close();
      }
    }
  }

  /**
   * Writes the pixels of cells first, first + 1, ... and syncs them. On failure the caller truncates to what
   * is committed.
   */
  async write(first: number, cells: readonly (Uint8Array | Uint16Array)[]): Promise<void> {
    const perShard = cellsPerShard(this.#header);
    for (let done = 0; done < cells.length; ) {
      const { shard, row } = this.place(first + done);
      const part = cells.slice(done, done + perShard - row);
      await this.#writePart(shard, row, part).catch(cause => {
        throw asDiskFull(cause, this.path(shard));
      });
      done += part.length;
    }
  }

  async #writePart(shard: number, row: number, cells: readonly (Uint8Array | Uint16Array)[]): Promise<void> {
    const file = await this.#file(shard);
    const size = bytesPerCell(this.#header);
    const perWrite = Math.max(1, Math.floor(8e6 / size));
    for (let start = 0; start < cells.length; start += perWrite) {
      const block = joinPixels(cells.slice(start, start + perWrite), size);
      await writeFully(file, block, npyHeaderBytes + (row + start) * size);
    }
    await writeFully(file, this.#npyHeader(row + cells.length), 0);
    await file.datasync();
  }

  async #file(shard: number): Promise<FileHandle> {
    if (this.#open?.shard === shard) return this.#open.file;
    await this.#close();
    const file = await open(this.path(shard), 'r+').catch(async error => {
      if (error.code !== 'ENOENT') throw error;
      const created = await open(this.path(shard), 'wx+');
      await syncFolder(this.folder);
      return created;
    });
    this.#open = { shard, file };
    return file;
  }

  #npyHeader(count: number): Buffer {
    return encodeNpyHeader(npyType(this.#header), [count, ...imageShape(this.#header)]);
  }

  async #close(): Promise<void> {
    const file = this.#open?.file;
    this.#open = undefined;
    await file?.close();
  }

  async close(): Promise<void> {
    await this.#close();
  }
}

function npyType(header: DatasetHeader): string {
  return header.pixelType === 'uint8' ? '|u1' : '<u2';
}

function imageShape(header: DatasetHeader): number[] {
  return [header.channels, header.height, header.width];
}

function joinPixels(cells: readonly (Uint8Array | Uint16Array)[], size: number): Buffer {
  const block = Buffer.allocUnsafe(cells.length * size);
  cells.forEach((pixels, i) => {
    block.set(new Uint8Array(pixels.buffer, pixels.byteOffset, pixels.byteLength), i * size);
  });
  return block;
}

/** Makes the name of a new shard survive a power cut. */
async function syncFolder(path: string): Promise<void> {
  if (process.platform === 'win32') return; // cannot open a folder, and needs no sync of it
  const folder = await open(path, 'r');
  await folder.sync().finally(() => folder.close());
}

async function writeFully(file: FileHandle, bytes: Uint8Array, position: number): Promise<void> {
  for (let done = 0; done < bytes.length; ) {
    const { bytesWritten } = await file.write(bytes, done, bytes.length - done, position + done);
    done += bytesWritten;
  }
}

function corrupt(path: string, must: string, received: string, cause?: unknown): BrightcellError {
  return new BrightcellError(
    'dataset-corrupt',
    `${path} ${must}. Received ${received}. Restore the file from a copy, or import again into a new data set.`,
    { cause, fields: { path } },
  );
}
