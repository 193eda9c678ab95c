import { mkdir } from 'node:fs/promises';
import { dirname, extname } from 'node:path';
import { Dataset } from '../dataset/dataset.ts';
import { featureFileFormats } from '../dataset/featureTable.ts';
import { measureFeatures } from '../engine/features.ts';
import { BrightcellError } from '../errors.ts';
import { type Job, throwIfCancelled } from '../job.ts';
import { featureNames, featuresVersion } from './definitions.ts';

export interface FeaturesOptions {
  /** A file to write the features to, beside what is known of each cell: its ending is .csv or .parquet. */
  out?: string;
  /** Measure every cell again, whatever is in the catalogue. */
  again?: boolean;
}

export interface FeaturesReport {
  cells: number;
  /** Measured now; the others' features were in the catalogue already. */
  measured: number;
  /** Numbers a cell. */
  features: number;
  version: number;
  /** Cells in whose image nothing stands out of the background: only the background's features are not 0. */
  withoutCell: number;
  seconds: number;
  out?: string;
}

/**
 * Measures the hand-made features of every cell of a data set (rejected and unlabelled ones as well) and keeps them in
 * the catalogue's table `features`, where it has none of this version yet; what was committed stays when it is
 * stopped. Throws `option-invalid`, `cancelled`, and what `Dataset.open` throws.
 */
export async function features(
  path: string,
  options: FeaturesOptions = {},
  job: Job = {},
): Promise<FeaturesReport> {
  const format = options.out === undefined ? undefined : formatOf(options.out);
  const started = performance.now();
  const dataset = await Dataset.open(path, 'write');
  try {
    const names = featureNames(dataset.header.channels);
    const there = options.again ? new Set<number>() : await dataset.featureIds(featuresVersion, names);
    const missing = Int32Array.from({ length: dataset.count }, (_, id) => id).filter(id => !there.has(id));
    await measureMissing(dataset, names, missing, job);
    if (options.out !== undefined) {
      await mkdir(dirname(options.out), { recursive: true });
      await dataset.exportFeatures(options.out, format!);
    }
    return {
      cells: dataset.count,
      measured: missing.length,
      features: names.length,
      version: featuresVersion,
      withoutCell: await countEmpty(dataset),
      seconds: (performance.now() - started) / 1000,
      ...(options.out !== undefined && { out: options.out }),
    };
  } finally {
    await dataset.close();
  }
}

/** Cells that are measured and committed at once. */
const batch = 16_384;

async function measureMissing(
  dataset: Dataset,
  names: string[],
  missing: Int32Array,
  job: Job,
): Promise<void> {
  const images = dataset.images();
  for (let at = 0; at < missing.length; at += batch) {
    throwIfCancelled(job);
    const id = missing.subarray(at, at + batch);
    const values = await measureFeatures(images, id, {
      signal: job.signal,
      onProgress: progress =>
        job.onProgress?.({ ...progress, done: at + progress.done, total: missing.length }),
    });
    await dataset.writeFeatures({ id, names, values }, featuresVersion);
  }
}

async function countEmpty(dataset: Dataset): Promise<number> {
  if (dataset.count === 0) return 0;
  const [row] = await dataset.query('SELECT count(*) AS n FROM features WHERE area = 0');
  return Number(row?.n);
}

function formatOf(out: string): (typeof featureFileFormats)[number] {
  const ending = extname(out).slice(1).toLowerCase();
  const format = featureFileFormats.find(name => name === ending);
  if (format) return format;
  throw new BrightcellError(
    'option-invalid',
    `out must end in ${featureFileFormats.map(name => `.${name}`).join(' or ')}. Received ${out}.`,
  );
}
