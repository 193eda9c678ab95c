import { access } from 'node:fs/promises';
import { isDeepStrictEqual } from 'node:util';
import { Dataset } from '../dataset/dataset.ts';
import { formatVersion, type NewCell } from '../dataset/format.ts';
import { headerPath, readHeader } from '../dataset/header.ts';
import { qualityFeatures } from '../engine/prepare.ts';
import { cellTypes, truths } from '../engine/simulate.ts';
import { BrightcellError } from '../errors.ts';
import type { Job } from '../job.ts';
import { type Chunk, renderChunks, sessionName } from './chunks.ts';
import type { Simulation } from './options.ts';
import { countTruth, type TruthCounts } from './report.ts';

const createdBy = 'brightcell simulate';

/** Simulates into a data set, or goes on with one that was stopped. Gives the counts of all its cells. */
export async function simulateDataset(out: string, simulation: Simulation, job: Job): Promise<TruthCounts> {
  const dataset = await openOrCreate(out, simulation);
  try {
    const before = dataset.count;
    for await (const chunk of renderChunks(simulation, before, job)) {
      await dataset.append(newCells(chunk, simulation));
      job.onProgress?.({ stage: 'simulating', done: dataset.count, total: simulation.cells, unit: 'cells' });
    }
    return await countDataset(dataset, before);
  } finally {
    await dataset.close();
  }
}

async function openOrCreate(out: string, simulation: Simulation): Promise<Dataset> {
  const begun = await access(headerPath(out)).then(
    () => true,
    () => false,
  );
  if (!begun) return Dataset.create(out, headerOf(simulation));
  const { provenance } = await readHeader(out);
  if (provenance.createdBy !== createdBy || !isDeepStrictEqual(provenance.options, { ...simulation }))
    throw new BrightcellError(
      'dataset-exists',
      `${out} must not exist yet, or be an unfinished simulation with the same options. ` +
        `Received a data set of "${provenance.createdBy}" with the options ${JSON.stringify(provenance.options)}. ` +
        'Choose another folder, or give the same options to go on with it.',
      { fields: { path: out } },
    );
  return Dataset.open(out, 'write');
}

function headerOf(simulation: Simulation) {
  const [height, width] = simulation.size!;
  return {
    formatVersion,
    classes: [...cellTypes],
    channels: 1,
    height,
    width,
    pixelType: 'uint8' as const,
    preparation: { height, width, channels: 'gray' as const, fit: 'stretch' as const },
    provenance: {
      createdBy,
      createdAt: new Date().toISOString(),
      source: `simulation with seed ${simulation.seed}`,
      options: { ...simulation },
    },
  };
}

function newCells({ first, count, cells }: Chunk, simulation: Simulation): NewCell[] {
  const pixels = simulation.size![0] * simulation.size![1];
  const features = qualityFeatures.length;
  return Array.from({ length: count }, (_, i) => ({
    pixels: cells.pixels.subarray(i * pixels, (i + 1) * pixels),
    label: cells.type[i]!,
    group: sessionName(cells.session[i]!),
    source: sessionName(cells.session[i]!),
    frame: first + i,
    rawHeight: cells.rawHeight[i]!,
    rawWidth: cells.rawWidth[i]!,
    quality: cells.quality.subarray(i * features, (i + 1) * features),
    truth: truths[cells.truth[i]!]!,
  }));
}

async function countDataset(dataset: Dataset, before: number): Promise<TruthCounts> {
  const counts = countTruth(before);
  const rows = await dataset.query(
    'SELECT label, truth, count(*)::INTEGER AS cells FROM cells GROUP BY label, truth',
  );
  for (const { label, truth, cells } of rows)
    counts.add(cellTypes[label as number]!, truth as (typeof truths)[number], cells as number);
  return counts;
}
