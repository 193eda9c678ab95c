import { readFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { Dataset } from '../dataset/dataset.ts';
import { BrightcellError } from '../errors.ts';
import { type RunFolder, readRun } from '../study/runFolder.ts';
import { type EpochRecord, readEpochs } from '../train/epochLog.ts';
import { maybeReadProvenance, type Provenance } from '../train/provenance.ts';
import { maybeReadEvaluation, type ReportEvaluation } from './evaluation.ts';
import type { Source } from './sources.ts';

/** A run with all that the report shows of it. */
export interface Subject {
  /** How the report calls it. */
  name: string;
  path: string;
  folder: RunFolder;
  config: Record<string, unknown>;
  provenance: Provenance | undefined;
  epochs: EpochRecord[];
  evaluation: ReportEvaluation | undefined;
  /** Why its evaluation cannot be read. */
  evaluationFault: string | undefined;
  data: SubjectData;
}

/** The data set that a run was trained on, where it can still be read. */
export interface SubjectData {
  path: string;
  dataset: Dataset | undefined;
  /** Why it cannot be read. */
  fault: string | undefined;
  /** Whether cells, labels, verdicts or split are others than when the run was trained. */
  changed: boolean;
  /** Why its images are not those of the evaluated cells. */
  imagesFault: string | undefined;
}

/** Data sets that are open, by path; closed together. */
export class OpenDatasets {
  readonly #open = new Map<string, Dataset>();

  /** Throws what `Dataset.open` throws. */
  async open(path: string): Promise<Dataset> {
    const key = resolve(path);
    const known = this.#open.get(key);
    if (known) return known;
    const dataset = await Dataset.open(path, 'read');
    this.#open.set(key, dataset);
    return dataset;
  }

  async close(): Promise<void> {
    for (const dataset of this.#open.values()) await dataset.close();
  }
}

/**
 * Reads a run. `dataset` says where its data set is now, when it was moved. What is missing or damaged beside the run
 * itself is noted, not thrown. Throws `run-missing`, `model-corrupt`.
 */
export async function readSubject(
  source: Source,
  name: string,
  datasets: OpenDatasets,
  dataset?: string,
): Promise<Subject> {
  const { path } = source;
  const folder = await readRun(path);
  const config = JSON.parse(await readFile(join(path, 'config.json'), 'utf8')) as Record<string, unknown>;
  const { evaluation, fault } = await tryEvaluation(path);
  return {
    ...{ name, path, folder, config, evaluation, evaluationFault: fault },
    provenance: await maybeReadProvenance(path),
    epochs: await readEpochs(join(path, 'epochs.csv')),
    data: await openData(dataset ?? folder.dataset, folder.fingerprint, { datasets, evaluation }),
  };
}

async function tryEvaluation(path: string) {
  try {
    return { evaluation: await maybeReadEvaluation(path), fault: undefined };
  } catch (error) {
    return { evaluation: undefined, fault: faultOf(error) };
  }
}

async function openData(
  path: string,
  fingerprint: string,
  { datasets, evaluation }: { datasets: OpenDatasets; evaluation: ReportEvaluation | undefined },
): Promise<SubjectData> {
  try {
    const dataset = await datasets.open(path);
    const changed = (await dataset.fingerprint()) !== fingerprint;
    const imagesFault = changed && evaluation ? await findOtherCell(dataset, evaluation) : undefined;
    return { path, dataset, fault: undefined, changed, imagesFault };
  } catch (error) {
    const fault = faultOf(error);
    return { path, dataset: undefined, fault, changed: false, imagesFault: 'the data set cannot be read' };
  }
}

/** In words, where a row holds another image than when it was classified: another file, or another class's. */
async function findOtherCell(dataset: Dataset, { parts }: ReportEvaluation): Promise<string | undefined> {
  const now = new Map<number, string>();
  await dataset.scan('SELECT id, source FROM cells', chunk => {
    const [ids, sources] = [chunk.getColumnValues(0), chunk.getColumnValues(1)];
    for (const [i, id] of ids.entries()) now.set(Number(id), String(sources[i]));
  });
  for (const { id, source } of parts)
    for (const [i, row] of id.entries())
      if (now.get(row) !== source[i])
        return `cell ${row} was ${source[i]} when it was classified and is ${now.get(row) ?? 'not there'} now; the data set has been replaced`;
  return undefined;
}

/** The message of an error of ours; any other goes on. */
export function faultOf(error: unknown): string {
  if (error instanceof BrightcellError && error.code !== 'cancelled') return error.message;
  throw error;
}
