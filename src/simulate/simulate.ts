import { performance } from 'node:perf_hooks';
import { cellTypes, truths } from '../engine/simulate.ts';
import type { Job } from '../job.ts';
import { resolveSimulation, type SimulateOptions } from './options.ts';
import type { SimulateReport } from './report.ts';
import { simulateDataset } from './toDataset.ts';
import { simulateImages } from './toImages.ts';

/**
 * Makes time-stretch bright-field images of single cells with known truth: a data set in the folder `out`, or with
 * `images` class folders of PNG files with a `cells.csv`. Each image depends on the options, the seed and its own
 * index alone. What was stopped goes on when called again with the same options. Memory is bounded by two chunks
 * of at most 2,048 images. Throws `option-invalid`, `dataset-exists`, `disk-full` and `cancelled`.
 */
export async function simulate(
  out: string,
  options: SimulateOptions,
  job: Job = {},
): Promise<SimulateReport> {
  const simulation = resolveSimulation(options);
  const start = performance.now();
  const write = simulation.size ? simulateDataset : simulateImages;
  const counts = await write(out, simulation, job);
  const durationSeconds = (performance.now() - start) / 1000;
  const { cells, sessions, seed, confounded } = simulation;
  return {
    out,
    cells,
    before: counts.before,
    classes: cellTypes.map(name => ({ name, count: counts.types[name] })),
    truths: truths.map(name => ({ name, count: counts.truths[name] })),
    sessions,
    seed,
    confounded,
    durationSeconds,
    cellsPerSecond: (cells - counts.before) / durationSeconds,
  };
}
