import { mkdir, readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { ImageSet } from '../engine/imageSet.ts';
import { BrightcellError } from '../errors.ts';
import type { Job } from '../job.ts';
import { asDiskFull } from '../wholeFile.ts';
import { appendCells, checkCells } from './append.ts';
import { appendRows, appendText, Catalogue } from './catalogue.ts';
import { readCells } from './cells.ts';
import type { CellQuery, CellTable, DatasetHeader, NewCell, SplitName } from './format.ts';
import { completeHeader, readHeader, writeHeader } from './header.ts';
import { Shards } from './shards.ts';
import { type DamagedCell, fingerprintCells, verifyCells } from './verify.ts';

export interface Verdict {
  id: number;
  /** null takes the verdict back. */
  verdict: 'accepted' | 'rejected' | null;
  /** Why rejected: a fault kind or the feature out of limits with its value. */
  reason: string | null;
  /** 'screen' for an automatic verdict, 'hand' for one given by a person, which screening never overrides. */
  by: 'screen' | 'hand';
}

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
    await this.#write(() =>
      this.#catalogue.transaction(async connection => {
        await connection.run('CREATE TEMP TABLE assigned (id INTEGER, split VARCHAR, fold SMALLINT)');
        await appendRows(connection, 'assigned', id.length, (appender, i) => {
          appender.appendInteger(id[i]!);
          appendText(appender, split[i]);
          if (fold === undefined || fold[i]! < 0) appender.appendNull();
          else appender.appendSmallInt(fold[i]!);
        });
        await connection.run('UPDATE cells SET split = NULL, fold = NULL');
        await connection.run(
          'UPDATE cells SET split = a.split, fold = a.fold FROM assigned a WHERE cells.id = a.id',
        );
        await connection.run('DROP TABLE assigned');
        await writeSettings(connection, 'split', settings);
      }),
    );
  }

  /**
   * Writes verdicts; cells that are not named keep theirs. A verdict by 'screen' never overrides one by 'hand'.
   * Settings are kept under 'screen' unless they are empty.
   */
  async writeVerdicts(verdicts: readonly Verdict[], settings: Record<string, unknown>): Promise<void> {
    await this.#write(() =>
      this.#catalogue.transaction(async connection => {
        await connection.run(
          'CREATE TEMP TABLE given (id INTEGER, verdict VARCHAR, reason VARCHAR, verdict_by VARCHAR)',
        );
        await appendRows(connection, 'given', verdicts.length, (appender, i) => {
          const { id, verdict, reason, by } = verdicts[i]!;
          appender.appendInteger(id);
          appendText(appender, verdict);
          appendText(appender, verdict === null ? null : reason);
          appendText(appender, by);
        });
        await connection.run(
          'UPDATE cells SET verdict = g.verdict, reason = g.reason, ' +
            'verdict_by = CASE WHEN g.verdict IS NULL THEN NULL ELSE g.verdict_by END FROM given g ' +
            "WHERE cells.id = g.id AND (g.verdict_by = 'hand' OR cells.verdict_by IS DISTINCT FROM 'hand')",
        );
        await connection.run('DROP TABLE given');
        if (Object.keys(settings).length > 0) await writeSettings(connection, 'screen', settings);
      }),
    );
  }

  /** What made the present split or verdicts; undefined where nothing did yet. */
  async settings(of: 'split' | 'screen'): Promise<Record<string, unknown> | undefined> {
    const [row] = await this.query('SELECT value FROM settings WHERE name = $1', [of]);
    return row === undefined ? undefined : JSON.parse(String(row.value));
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
    return verifyCells(this.#catalogue, this.#shards, this.#header, this.#count, job);
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

async function writeSettings(
  connection: Parameters<Parameters<Catalogue['transaction']>[0]>[0],
  name: 'split' | 'screen',
  settings: Record<string, unknown>,
): Promise<void> {
  await connection.run('DELETE FROM settings WHERE name = $1', [name]);
  await connection.run('INSERT INTO settings VALUES ($1, $2, now()::TIMESTAMP)', [
    name,
    JSON.stringify(settings),
  ]);
}
