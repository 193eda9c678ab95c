import { mkdir, readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { ImageSet } from '../engine/imageSet.ts';
import { BrightcellError } from '../errors.ts';
import type { Job } from '../job.ts';
import { asDiskFull } from '../wholeFile.ts';
import { appendCells, checkCells } from './append.ts';
import { refuseUnknown, storeSplit, storeVerdicts, type Verdict } from './assignments.ts';
import { Catalogue } from './catalogue.ts';
import { readCells } from './cells.ts';
import {
  type CellFeatures,
  copyFeatures,
  type FeatureColumns,
  readFeatureIds,
  readFeatures,
  readFeaturesOf,
  storeFeatures,
} from './featureTable.ts';
import type { CellQuery, CellTable, DatasetHeader, NewCell, SplitName } from './format.ts';
import { completeHeader, readHeader, writeHeader } from './header.ts';
import { measureSessions } from './sessions.ts';
import { Shards } from './shards.ts';
import { type DamagedCell, damageError, fingerprintCells, verifyCells } from './verify.ts';

/** A data set on disk. One writer at a time; readers share. */
export class Dataset {
  readonly path: string;
  #header: DatasetHeader;
  #catalogue: Catalogue;
  #shards: Shards;
  #count: number;
  #images: ImageSet[] = [];
  #writing: Promise<unknown> = Promise.resolve();
  #closed = false;

  private constructor(
    path: string,
    header: DatasetHeader,
    catalogue: Catalogue,
    shards: Shards,
    count: number,
  ) {
    this.path = path;
    this.#header = header;
    this.#catalogue = catalogue;
    this.#shards = shards;
    this.#count = count;
  }

  /**
   * Creates the folder and opens the empty data set for writing. Throws `dataset-exists` where something but an
   * empty folder stands, and `option-invalid` for a header that contradicts itself.
   */
  static async create(path: string, header: DatasetHeader): Promise<Dataset> {
    const complete = completeHeader(header);
    await clearPlace(path);
    try {
      await mkdir(join(path, 'images'), { recursive: true });
      const catalogue = await Catalogue.open(path, 'create');
      // Written last: a folder without it is no data set yet.
      await writeHeader(path, complete);
      return new Dataset(path, complete, catalogue, new Shards(path, complete), 0);
    } catch (error) {
      throw asDiskFull(error, path);
    }
  }

  /**
   * Opens and checks: version, shard headers and sizes; a writer also cuts off what a killed one left behind.
   * Throws `dataset-missing`, `dataset-newer`, `dataset-corrupt`, `dataset-locked`.
   */
  static async open(path: string, mode: 'read' | 'write'): Promise<Dataset> {
    await readHeader(path); // a clear error before the lock is taken
    const catalogue = await Catalogue.open(path, mode);
    try {
      const header = await readHeader(path);
      const count = await countCells(catalogue);
      const shards = new Shards(path, header);
      await shards.check(count);
      if (mode === 'write') await shards.truncate(count);
      return new Dataset(path, header, catalogue, shards, count);
    } catch (error) {
      await catalogue.close();
      throw error;
    }
  }

  get header(): DatasetHeader {
    return this.#header;
  }

  /** All committed cells. */
  get count(): number {
    return this.#count;
  }

  /**
   * Writes cells durably: when the promise resolves, they survive a power cut. Order is kept; a batch is
   * written as a whole or not at all. Some hundred cells at a time are much faster than one. Throws
   * `option-invalid` for a cell that does not fit the header, and `disk-full`.
   */
  async append(cells: readonly NewCell[]): Promise<void> {
    checkCells(cells, this.#header);
    await this.#write(async () => {
      if (cells.length === 0) return;
      try {
        await appendCells(cells, this.#count, this.#shards, this.#catalogue);
      } catch (error) {
        await this.#shards.truncate(this.#count).catch(() => {}); // the next open does it otherwise
        throw error;
      }
      this.#count += cells.length;
    });
  }

  /** Adds class names that an import finds later; existing labels keep their meaning. */
  async addClasses(names: readonly string[]): Promise<void> {
    await this.#write(async () => {
      const classes = [...new Set([...this.#header.classes, ...names])];
      if (classes.length === this.#header.classes.length) return;
      const header = completeHeader({ ...this.#header, classes });
      await writeHeader(this.path, header);
      this.#header = header;
    });
  }

  /** Labels, groups and splits of the cells that `query` selects, as columns in order of id. */
  async cells(query: CellQuery = {}): Promise<CellTable> {
    this.#checkOpen();
    return readCells(this.#catalogue, query);
  }

  /** Every stored image, mapped; row = id. Closed with the data set. */
  images(): ImageSet {
    this.#checkOpen();
    const latest = this.#images.at(-1);
    if (latest?.count === this.#count) return latest;
    const mapped = ImageSet.map(this.#shards.files(this.#count), this.#header.pixelType, this.#header);
    mapped.setLight(() => measureSessions(this.#catalogue, mapped));
    mapped.setKeptFeatures((rows, kind) => readFeaturesOf(this.#catalogue, rows, kind));
    this.#images.push(mapped);
    return mapped;
  }

  /**
   * Runs one read-only SQL statement on the catalogue's table `cells`; rows as objects, integers as numbers.
   * For columns of a million cells use `scan`.
   */
  async query(sql: string, parameters: readonly unknown[] = []): Promise<Record<string, unknown>[]> {
    this.#checkOpen();
    return this.#catalogue.select(sql, [...parameters]);
  }

  /** Calls `visit` with DuckDB's chunks of about 2,000 rows of a read-only SQL statement: columns, no objects. */
  async scan(sql: string, visit: Parameters<Catalogue['scan']>[1]): Promise<void> {
    this.#checkOpen();
    await this.#catalogue.scan(sql, visit);
  }

  /** Replaces the whole split: cells that `assignment` does not name belong to no split and no fold. */
  async writeSplit(
    assignment: { id: Int32Array; split: (SplitName | null)[]; fold?: Int16Array },
    settings: Record<string, unknown>,
  ): Promise<void> {
    const { id, split, fold } = assignment;
    if (split.length !== id.length || (fold && fold.length !== id.length))
      throw new BrightcellError('option-invalid', 'A split must give one entry for each id.');
    refuseUnknown(id, this.#count);
    await this.#write(() => storeSplit(this.#catalogue, { id, split, fold }, settings));
  }

  /**
   * Writes verdicts; cells that are not named keep theirs. A verdict by 'screen' never overrides one by 'hand'.
   * Settings are kept under 'screen' unless they are empty.
   */
  async writeVerdicts(verdicts: readonly Verdict[], settings: Record<string, unknown>): Promise<void> {
    refuseUnknown(
      verdicts.map(({ id }) => id),
      this.#count,
    );
    await this.#write(() => storeVerdicts(this.#catalogue, verdicts, settings));
  }

  /** What made the present split or verdicts; undefined where nothing did yet. */
  async settings(of: 'split' | 'screen'): Promise<Record<string, unknown> | undefined> {
    const [row] = await this.query('SELECT value FROM settings WHERE name = $1', [of]);
    return row === undefined ? undefined : JSON.parse(String(row.value));
  }

  /**
   * Keeps features of cells in the catalogue's table `features`, all of them or none; those of the same cells are
   * replaced, and the whole table where it was made for another version or other names.
   */
  async writeFeatures(features: CellFeatures, version: number): Promise<void> {
    const { id, names, values } = features;
    if (values.length !== id.length * names.length)
      throw new BrightcellError('option-invalid', 'Features must be one value a cell and name.');
    refuseUnknown(id, this.#count);
    await this.#write(() => storeFeatures(this.#catalogue, features, version));
  }

  /** Cells whose features of this version and these names are in the catalogue. */
  async featureIds(version: number, names: readonly string[]): Promise<Set<number>> {
    this.#checkOpen();
    return readFeatureIds(this.#catalogue, version, names);
  }

  /** The features in the catalogue as columns, in order of id; undefined where none were measured. */
  async features(): Promise<FeatureColumns | undefined> {
    this.#checkOpen();
    return readFeatures(this.#catalogue);
  }

  /** Writes the features beside id, source, frame, class, group, split and verdict to a file, whole or not at all. */
  async exportFeatures(out: string, format: 'csv' | 'parquet'): Promise<void> {
    this.#checkOpen();
    await copyFeatures(this.#catalogue, this.#header.classes, out, format);
  }

  /**
   * SHA-256, in hexadecimal, over classes, shape and preparation, and over id, label, split, fold, rejection and
   * pixels' checksum of every cell: the same content, the same fingerprint, wherever and whenever it was made.
   */
  async fingerprint(): Promise<string> {
    this.#checkOpen();
    return fingerprintCells(this.#catalogue, this.#header);
  }

  /** Reads every image and compares it with its checksum: the damaged cells, in order; empty when all is well. */
  async verify(job: Job = {}): Promise<DamagedCell[]> {
    this.#checkOpen();
    return verifyCells(this.#catalogue, this.#shards, this.#header, this.images(), job);
  }

  /** Throws `dataset-corrupt`, naming file and image, when stored pixels are not those that were written. */
  async requireIntact(job: Job = {}): Promise<void> {
    const damaged = await this.verify(job);
    if (damaged.length > 0) throw damageError(this.path, damaged);
  }

  /** Waits for what is being written, unmaps images and lets the next writer in. May be called twice. */
  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    await this.#writing;
    for (const images of this.#images) images.close();
    await this.#shards.close();
    await this.#catalogue.close();
  }

  /** Runs writes one after another, in the order in which they were asked for. */
  #write(write: () => Promise<void>): Promise<void> {
    this.#checkOpen();
    if (!this.#catalogue.writable)
      throw new BrightcellError(
        'option-invalid',
        `${this.path} must be opened with mode 'write' to write to it.`,
      );
    const next = this.#writing.then(write);
    this.#writing = next.catch(() => {});
    return next;
  }

  #checkOpen(): void {
    if (this.#closed)
      throw new BrightcellError('option-invalid', `${this.path} must be open. It was closed.`);
  }
}

/** Makes sure that `path` is free: absent, empty, or what a creation that was killed at once left behind. */
async function clearPlace(path: string): Promise<void> {
  const names = await readdir(path).catch(error => {
    if (error.code === 'ENOENT') return [];
    if (error.code === 'ENOTDIR') return ['a file'];
    throw error;
  });
  if (names.length === 0) return;
  const ours = names.every(name => /^(images|catalogue\.duckdb(\.wal)?|.*dataset\.json)$/.test(name));
  const images = names.includes('images') ? await readdir(join(path, 'images')) : [];
  if (!ours || images.length > 0 || names.includes('dataset.json') || names.includes('a file'))
    throw new BrightcellError(
      'dataset-exists',
      `${path} must be free for a new data set, but something stands there. Choose another folder or remove it.`,
      { fields: { path } },
    );
  await (await Catalogue.open(path, 'create')).close(); // refuses when another process is creating it now
  for (const name of names) await rm(join(path, name), { recursive: true });
}

async function countCells(catalogue: Catalogue): Promise<number> {
  const [row] = await catalogue.select('SELECT count(*) AS n, max(id) AS last FROM cells');
  const count = Number(row?.n);
  if (count > 0 && row?.last !== count - 1)
    throw new BrightcellError(
      'dataset-corrupt',
      `${catalogue.path} must list the cells 0 to ${count - 1}. Received ${row?.last} as the last. ` +
        'Restore the file from a copy, or import again into a new data set.',
    );
  return count;
}

export type { Verdict } from './assignments.ts';
