import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { BrightcellError } from '../errors.ts';
import { explainEmbed } from '../explain/explainEmbed.ts';
import { explainFilters } from '../explain/explainFilters.ts';
import { explainOcclusion } from '../explain/explainOcclusion.ts';
import { type Job, throwIfCancelled } from '../job.ts';
import { faultOf, type Subject } from './subject.ts';

/** Why an explanation of a run could not be made, by `nameOf`. */
export type ExplanationFaults = ReadonlyMap<string, string>;

export type ExplanationKind = 'filters' | 'occlusion' | 'embed';

/** The file that says that an explanation is there. */
export function explanationFile(subject: Subject, kind: ExplanationKind): string {
  return join(subject.path, 'explain', kind, `${kind}.json`);
}

export function faultName(subject: Subject, kind: ExplanationKind): string {
  return `${kind} of ${subject.path}`;
}

const mapsInAll = 12;
const positions = 300;
const embeddedCells = 500;
/** Of each class, among which those that excite a filter most are looked for. */
const filterCells = 25;

/**
 * Makes the filters' pictures, the occlusion maps and the embeddings that a run lacks, small ones, and leaves them in its
 * folder. What cannot be made is noted, not thrown. Throws `cancelled`, `disk-full`.
 */
export async function makeExplanations(subjects: readonly Subject[], job: Job): Promise<ExplanationFaults> {
  const faults = new Map<string, string>();
  const make = async (subject: Subject, kind: ExplanationKind, work: (job: Job) => Promise<unknown>) => {
    throwIfCancelled(job);
    if (existsSync(explanationFile(subject, kind))) return;
    const onProgress: Job['onProgress'] = one =>
      job.onProgress?.({ ...one, stage: `${subject.name}: ${one.stage}` });
    try {
      await work({ signal: job.signal, onProgress });
    } catch (error) {
      if (error instanceof BrightcellError && error.code === 'disk-full') throw error;
      faults.set(faultName(subject, kind), faultOf(error));
    }
  };
  for (const subject of subjects) {
    const { data, folder, path } = subject;
    if (!data.dataset || !folder.finished) continue;
    const perClass = Math.max(1, Math.floor(mapsInAll / data.dataset.header.classes.length));
    const { fold } = folder;
    if (folder.isNetwork)
      await make(subject, 'filters', own =>
        explainFilters(path, [data.path], { perClass: filterCells, fold }, own),
      );
    await make(subject, 'occlusion', own =>
      explainOcclusion(path, [data.path], { perClass, positions, fold }, own),
    );
    await make(subject, 'embed', own => explainEmbed(path, data.path, { cells: embeddedCells, fold }, own));
  }
  return faults;
}
