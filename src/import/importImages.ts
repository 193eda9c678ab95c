import { resolve } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import { Dataset } from '../dataset/dataset.ts';
import { formatVersion, type NewCell } from '../dataset/format.ts';
import type { Preparation } from '../engine/prepare.ts';
import { BrightcellError } from '../errors.ts';
import { type Job, throwIfCancelled } from '../job.ts';
import { version } from '../version.ts';
import { chooseDepth } from './depth.ts';
import { FailureList, type FailureSummary } from './failures.ts';
import { type CheckedOptions, checkImportOptions, type ImportOptions } from './options.ts';
import { type PreparedSource, prepareImages } from './prepareImages.ts';
import { chooseReader } from './readers.ts';
import { invalidSource, type Source, type SourceImage } from './source.ts';

export interface ImportReport {
  /** The data set's folder. */
  dataset: string;
  /** How the source was read, in words. */
  layout: string;
  /** Cells in the data set now. */
  cells: number;
  /** Cells that this import added. */
  added: number;
  /** Cells that an earlier import of the same source had added. */
  alreadyThere: number;
  failed: FailureSummary;
  /** Files left out because their names are not of images. */
  skipped: number;
  /** Images whose pixel values were scaled to the data set's depth. */
  rescaled: number;
  pixelType: 'uint8' | 'uint16';
  /** Cells of every class, all imports together. */
  classes: { name: string; count: number }[];
  /** What a careful reader should know. */
  warnings: string[];
  durationSeconds: number;
}

/**
 * Imports images of any size into a data set: decodes them in parallel, measures their quality, brings them to
 * one size and stores them. Run again with the same arguments it goes on where it stopped. The order of cells is
 * that of the source, whatever finishes first.
 *
 * @param source folder, CSV file or .npz file; see `ImportOptions.format`
 * @param out folder of the data set: new, or of an earlier import of the same source
 * @throws `source-invalid`, `option-invalid`, `image-unreadable` (only with `strict`), `dataset-exists`,
 *   `dataset-locked`, `dataset-corrupt`, `disk-full`, `cancelled`
 */
export async function importImages(
  source: string,
  out: string,
  options: ImportOptions = {},
  job: Job = {},
): Promise<ImportReport> {
  const started = performance.now();
  const checked = checkImportOptions(options);
  const read = await chooseReader(source, checked);
  const listed = await read(source, checked);
  try {
    const ingest = new Ingest({ source: resolve(source), out, options: checked, listed, job });
    const report = await ingest.run();
    return { ...report, durationSeconds: (performance.now() - started) / 1000 };
  } finally {
    listed.close?.();
  }
}

/** Enough for the sync of the disk to cost little, few enough to lose little to a kill. */
const batchCells = 1024;
const batchBytes = 32e6;
const batchMs = 1000;
const progressMs = 100;

interface Task {
  source: string;
  out: string;
  options: CheckedOptions;
  listed: Source;
  job: Job;
}

/** One import: state that its steps share. */
class Ingest {
  #task: Task;
  #preparation: Preparation;
  #failures: FailureList;
  #dataset: Dataset | undefined;
  #labels = new Map<string, number>();
  #batch: NewCell[] = [];
  #batchBytes = 0;
  #writing: Promise<void> = Promise.resolve();
  #done = 0;
  #alreadyThere = 0;
  #rescaled = 0;
  #lastProgress = 0;
  #lastFlush = performance.now();

  constructor(task: Task) {
    const { size, channels, fit, strict } = task.options;
    this.#task = task;
    this.#preparation = { height: size[0], width: size[1], channels, fit };
    this.#failures = new FailureList(strict);
  }

  async run(): Promise<Omit<ImportReport, 'durationSeconds'>> {
    try {
      this.#dataset = await this.#maybeOpen();
      const before = this.#dataset?.count ?? 0;
      await this.#importAll();
      if (this.#dataset === undefined) throw this.#nothingReadable();
      await this.#failures.write(this.#task.out);
      return await this.#report(this.#dataset, this.#dataset.count - before);
    } finally {
      await this.#dataset?.close();
    }
  }

  async #importAll(): Promise<void> {
    const { listed, options } = this.#task;
    for (const failure of listed.failures) this.#failures.add(failure);
    const known = await countKnown(this.#dataset);
    const bits = await this.#bits();
    const settings = { preparation: this.#preparation, bits, scaleDown: options.depth === 8 };
    try {
      for await (const prepared of prepareImages(this.#fresh(listed.images(), known), settings)) {
        throwIfCancelled(this.#task.job);
        if (prepared.cells.length > 0) this.#dataset ??= await this.#create(bits);
        this.#take(prepared);
        if (this.#isBatchFull()) await this.#flush();
      }
    } finally {
      // Also when stopped or strict: what was made ready before is kept.
      await this.#flush();
      await this.#writing;
    }
    this.#progress(true);
  }

  /** The data set of an earlier import, made ready to go on. */
  async #maybeOpen(): Promise<Dataset | undefined> {
    const { out, source, listed } = this.#task;
    const dataset = await Dataset.open(out, 'write').catch(error => {
      if (error instanceof BrightcellError && error.code === 'dataset-missing') return undefined;
      throw error;
    });
    if (dataset === undefined) return undefined;
    this.#dataset = dataset; // closed by `run`, also when the next line throws
    this.#refuseOther(dataset, source);
    await dataset.addClasses(listed.classes);
    this.#setLabels(dataset);
    return dataset;
  }

  #refuseOther(dataset: Dataset, source: string): void {
    const { preparation, provenance } = dataset.header;
    if (provenance.source !== source)
      throw new BrightcellError(
        'dataset-exists',
        `${dataset.path} must be a new folder or hold an earlier import of ${source}, but holds ` +
          `${provenance.source}. Choose another --out, or list both sources in one CSV file.`,
      );
    if (!isDeepStrictEqual(preparation, this.#preparation))
      throw new BrightcellError(
        'dataset-exists',
        `${dataset.path} must be imported on with the settings it began with: ${inWords(preparation)}. ` +
          `Received ${inWords(this.#preparation)}. Use the same, or choose another --out.`,
      );
  }

  async #create(bits: 8 | 16): Promise<Dataset> {
    const { source, out, options, listed } = this.#task;
    const createdBy = `brightcell ${version()}`;
    const dataset = await Dataset.create(out, {
      formatVersion,
      classes: listed.classes,
      channels: this.#preparation.channels === 'gray' ? 1 : this.#preparation.channels.length,
      height: this.#preparation.height,
      width: this.#preparation.width,
      pixelType: bits === 16 ? 'uint16' : 'uint8',
      preparation: this.#preparation,
      provenance: { createdBy, createdAt: new Date().toISOString(), source, options: { ...options } },
    });
    this.#setLabels(dataset);
    return dataset;
  }

  #setLabels(dataset: Dataset): void {
    this.#labels = new Map(dataset.header.classes.map((name, label) => [name, label]));
  }

  async #bits(): Promise<8 | 16> {
    if (this.#dataset !== undefined) return this.#dataset.header.pixelType === 'uint16' ? 16 : 8;
    const { depth } = this.#task.options;
    return depth === 'auto' ? chooseDepth(this.#task.listed) : depth;
  }

  /** Leaves out what an earlier import has stored. A file's pages are always stored together. */
  async *#fresh(
    images: Iterable<SourceImage> | AsyncIterable<SourceImage>,
    known: Map<string, number>,
  ): AsyncGenerator<SourceImage> {
    for await (const image of images) {
      const stored = known.get(image.source) ?? 0;
      if ('path' in image.content ? stored === 0 : image.content.frame >= stored) {
        yield image;
        continue;
      }
      this.#alreadyThere += 'path' in image.content ? stored : 1;
      this.#done++;
    }
  }

  #take({ image, cells, failures, rescaled }: PreparedSource): void {
    const label = image.label === null ? -1 : this.#labels.get(image.label)!;
    for (const cell of cells) {
      this.#batch.push({ ...cell, label });
      this.#batchBytes += cell.pixels.byteLength;
    }
    this.#rescaled += rescaled;
    this.#done++;
    for (const failure of failures) this.#failures.add(failure);
    this.#progress(false);
  }

  #isBatchFull(): boolean {
    return (
      this.#batch.length >= batchCells ||
      this.#batchBytes >= batchBytes ||
      performance.now() - this.#lastFlush >= batchMs
    );
  }

  /** Starts writing the batch while the next one is being decoded. */
  async #flush(): Promise<void> {
    await this.#writing;
    this.#lastFlush = performance.now();
    if (this.#batch.length === 0) return;
    this.#writing = this.#dataset!.append(this.#batch);
    this.#writing.catch(() => {}); // thrown by the next flush
    this.#batch = [];
    this.#batchBytes = 0;
  }

  #progress(atOnce: boolean): void {
    const now = performance.now();
    if (!atOnce && now - this.#lastProgress < progressMs) return;
    this.#lastProgress = now;
    const { count } = this.#failures;
    const note = count > 0 ? { note: `${count} failed` } : {};
    const { total } = this.#task.listed;
    this.#task.job.onProgress?.({ stage: 'importing', done: this.#done, total, unit: 'images', ...note });
  }

  #nothingReadable(): BrightcellError {
    const { count, byReason } = this.#failures.summary;
    const reasons = byReason
      .slice(0, 3)
      .map(({ reason, count, examples }) => `${reason} (${count}; ${examples[0]})`);
    return invalidSource(
      `${this.#task.source} must hold images that can be read, but none of ${count} can: ${reasons.join('; ')}.`,
    );
  }

  async #report(dataset: Dataset, added: number): Promise<Omit<ImportReport, 'durationSeconds'>> {
    const counts = new Map<number, number>();
    for (const row of await dataset.query('SELECT label, count(*) AS n FROM cells GROUP BY label'))
      counts.set(Number(row.label), Number(row.n));
    const classes = dataset.header.classes.map((name, label) => ({ name, count: counts.get(label) ?? 0 }));
    const { listed } = this.#task;
    return {
      dataset: dataset.path,
      layout: listed.description,
      cells: dataset.count,
      added,
      alreadyThere: this.#alreadyThere,
      failed: this.#failures.summary,
      skipped: listed.skipped,
      rescaled: this.#rescaled,
      pixelType: dataset.header.pixelType,
      classes,
      warnings: [...listed.warnings, ...findWarnings(classes, counts.get(-1) ?? 0)],
    };
  }
}

/** How many cells of each source are stored. */
async function countKnown(dataset: Dataset | undefined): Promise<Map<string, number>> {
  const known = new Map<string, number>();
  await dataset?.scan('SELECT source, max(frame) + 1 FROM cells GROUP BY source', chunk => {
    const sources = chunk.getColumnValues(0);
    const counts = chunk.getColumnValues(1);
    for (let i = 0; i < chunk.rowCount; i++) known.set(String(sources[i]), Number(counts[i]));
  });
  return known;
}

function findWarnings(classes: { name: string; count: number }[], unlabelled: number): string[] {
  const warnings: string[] = [];
  const present = classes.filter(({ count }) => count > 0);
  if (present.length === 1)
    warnings.push(
      `All labelled cells are of the class ${present[0]!.name}; training needs two classes or more.`,
    );
  if (present.length === 0) warnings.push('No cell has a label; training needs labelled cells.');
  for (const { name, count } of classes) if (count === 0) warnings.push(`The class ${name} has no cell.`);
  if (unlabelled > 0 && present.length > 0) warnings.push(`${unlabelled} cells have no label.`);
  return warnings;
}

function inWords({ height, width, channels, fit }: Preparation): string {
  return `size ${height} x ${width}, channels ${channels}, fit ${fit}`;
}
