// N images, K classes.
import type { Dataset } from '../dataset/dataset.ts';
import type { CellTable } from '../dataset/format.ts';
import { ImageSet, type Pixels } from '../engine/imageSet.ts';
import { BrightcellError } from '../errors.ts';
import { wilsonInterval } from '../evaluate/interval.ts';
import { testMcNemar } from '../evaluate/mcnemar.ts';
import { mostProbable } from '../evaluate/score.ts';
import { type Job, throwIfCancelled } from '../job.ts';
import { splitParts, wholePart } from '../study/parts.ts';
import { mixSeed } from '../train/seed.ts';
import { type Alteration, alterations } from './alterations.ts';
import type { AuditedRun, AuditPart, PartOptions, PartReport } from './part.ts';
import { drawSample, type Sample, takeCells } from './sample.ts';
import { stabilityFigure } from './stabilityFigure.ts';
import { fall, type StabilityCurve, type StabilityFindings } from './stabilityFindings.ts';
import { stabilityVerdict } from './stabilityVerdict.ts';

/** What other light, contrast, blur, noise, place and size do to the accuracy of a run, as curves. */
export const stability: AuditPart = {
  name: 'stability',
  about: 'what do other light, contrast, blur, noise, shift and scale do to the accuracy?',
  needsRun: true,
  look: lookAtStability,
};

/** However many cells the audit may learn from, as many curves of more would only take longer. */
const mostCells = 1000;
/** Altered images held at once: what bounds memory. */
const chunk = 128;

async function lookAtStability(dataset: Dataset, options: PartOptions, job: Job): Promise<PartReport> {
  const run = options.run!;
  const { part, sample } = await chooseCells(dataset, run, options);
  const curves: StabilityCurve[] = [];
  const still = await findRight(
    { dataset, run, sample, seed: options.seed },
    alterations[0]!,
    alterations[0]!.still,
    job,
  );
  const levels = alterations.reduce((sum, one) => sum + one.levels.length, 0);
  let done = 0;
  for (const alteration of alterations) {
    const points: StabilityCurve['points'] = [];
    for (const level of alteration.levels) {
      job.onProgress?.({
        stage: 'classifying',
        done: done++,
        total: levels,
        unit: 'levels',
        note: alteration.name,
      });
      const right = await findRight({ dataset, run, sample, seed: options.seed }, alteration, level, job);
      const count = right.reduce((sum, one) => sum + one, 0);
      const interval = wilsonInterval(count, sample.count)!;
      const balanced = balanceRecalls(sample.label, right);
      points.push({
        ...{ level, accuracy: count / sample.count, interval },
        ...{ balancedAccuracy: balanced, p: comparePaired(still, right) },
      });
    }
    curves.push(describeCurve(alteration, points));
  }
  const accuracy = still.reduce((sum, one) => sum + one, 0) / sample.count;
  const findings: StabilityFindings = { method: run.method, part, cells: sample.count, accuracy, curves };
  return {
    ...{ name: stability.name, ...stabilityVerdict(findings, run.sameCells) },
    findings: { ...findings },
    figures: [{ name: 'stability-curves', figure: stabilityFigure(findings) }],
    files: [],
  };
}

/** Cells of the test part, else of the validation part, else of the whole data set. */
async function chooseCells(
  dataset: Dataset,
  run: AuditedRun,
  { cells, seed }: PartOptions,
): Promise<{ part: string; sample: Sample }> {
  const table = await dataset.cells();
  const part = partsOf(table, run).at(-1)!;
  const own = asTable(table, takeCells(table, part.positions));
  return { part: part.name, sample: drawSample(own, Math.min(cells, mostCells), seed) };
}

function partsOf(table: CellTable, run: AuditedRun) {
  try {
    return splitParts(table, run.fold);
  } catch (error) {
    if (error instanceof BrightcellError && error.code === 'option-invalid') return wholePart(table);
    throw error;
  }
}

function asTable(table: CellTable, { count, ...columns }: Sample): CellTable {
  return { ...table, ...columns, count };
}

interface Subject {
  dataset: Dataset;
  run: AuditedRun;
  sample: Sample;
  seed: number;
}

/** Mean over the classes that have cells of the share of theirs that is right. */
function balanceRecalls(labels: Int32Array, right: Uint8Array): number {
  const present = [...new Set(labels)];
  const recalls = present.map(label => {
    const own = right.filter((_, i) => labels[i] === label);
    return own.reduce((sum, one) => sum + one, 0) / own.length;
  });
  return recalls.reduce((sum, one) => sum + one, 0) / present.length;
}

/** McNemar's p of the altered images against the same cells' as they are. */
function comparePaired(still: Uint8Array, altered: Uint8Array): number {
  let [lost, won] = [0, 0];
  for (const [i, before] of still.entries()) {
    if (before && !altered[i]) lost++;
    if (!before && altered[i]) won++;
  }
  return testMcNemar(lost, won).p;
}

/** Which of the sample's cells are named rightly, 1 or 0 each. */
async function findRight(
  { dataset, run, sample, seed }: Subject,
  alteration: Alteration,
  level: number,
  job: Job,
): Promise<Uint8Array> {
  const images = dataset.images();
  const { shape, type } = images;
  const size = shape.channels * shape.height * shape.width;
  const range = type === 'uint16' ? 65_535 : 255;
  const right = new Uint8Array(sample.count);
  for (let at = 0; at < sample.count; at += chunk) {
    throwIfCancelled(job);
    const ids = sample.id.subarray(at, at + chunk);
    const altered: Pixels =
      type === 'uint16' ? new Uint16Array(ids.length * size) : new Uint8Array(ids.length * size);
    for (const [i, id] of ids.entries()) {
      const dst = altered.subarray(i * size, (i + 1) * size);
      alteration.alter(images.read(id), dst, shape, level, range, mixSeed(seed, id));
    }
    const set = ImageSet.from(altered, shape);
    set.takeLight(images, ids); // the session is not altered
    try {
      const rows = Int32Array.from(ids.keys());
      const { classifier, labelOf } = run;
      const said = mostProbable(
        await classifier.predict(set, rows, { signal: job.signal }),
        classifier.classes.length,
      );
      for (const [i, label] of said.entries())
        if (label === labelOf(sample.label[at + i]!)) right[at + i] = 1;
    } finally {
      set.close();
    }
    await new Promise(setImmediate);
  }
  return right;
}

function describeCurve(alteration: Alteration, points: StabilityCurve['points']): StabilityCurve {
  const { name, label, scale, still } = alteration;
  const from = points.findIndex(one => one.level === still);
  return {
    ...{ alteration: name, label, scale, still, points },
    fallsBelow: findFall(points.slice(0, from + 1).reverse(), scale),
    fallsAbove: findFall(points.slice(from), scale),
  };
}

/**
 * Walking away from the level that changes nothing: where accuracy is first `fall` below its value there, between two
 * levels in proportion (of their logarithms where levels are factors); null where it never is.
 */
export function findFall(
  points: readonly { level: number; accuracy: number }[],
  scale: Alteration['scale'],
): number | null {
  const limit = points[0]!.accuracy - fall;
  const end = points.findIndex(one => one.accuracy <= limit + 1e-12);
  if (end < 1) return null;
  const [before, after] = [points[end - 1]!, points[end]!];
  const share = (before.accuracy - limit) / (before.accuracy - after.accuracy);
  if (scale === 'linear') return before.level + share * (after.level - before.level);
  return before.level * (after.level / before.level) ** share;
}
