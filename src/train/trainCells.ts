import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { Dataset } from '../dataset/dataset.ts';
import { Network } from '../engine/network.ts';
import type { Job } from '../job.ts';
import { buildNetwork } from '../models/registry.ts';
import type { LabelledRows } from './batches.ts';
import { digestCells } from './cells.ts';
import { checkDecoder, resolveConfig, type TrainSettings } from './config.ts';
import type { TrainConfig } from './recipes.ts';
import type { TrainReport } from './report.ts';
import { Training } from './training.ts';

/**
 * Trains a network on given cells of an open data set, whatever its split says, in a folder that holds its checkpoints
 * and gets `model/`: for studies. A folder with checkpoints of another training is not to be given. Throws what
 * `train` throws but for what a run's folder and the split do.
 */
export async function trainCells(
  dataset: Dataset,
  settings: TrainSettings,
  cells: { training: LabelledRows; validation: LabelledRows },
  folder: string,
  job: Job = {},
): Promise<{ report: TrainReport; config: TrainConfig }> {
  const config = await resolveConfig(settings, cells.training.rows.length);
  const { header } = dataset;
  const spec = await buildNetwork(config.model, header, header.classes.length);
  checkDecoder(config, spec);
  await mkdir(join(folder, 'checkpoints'), { recursive: true });
  const { seed, initialiser, precision } = config;
  const network = new Network(spec, { seed, initialiser, precision });
  const digest = digestCells(dataset, cells.training, cells.validation);
  const own = { ...cells, warnings: [], digest };
  try {
    const training = new Training({ run: folder, config, dataset, cells: own, network });
    return { report: await training.toTheEnd(job), config };
  } finally {
    network.dispose();
  }
}
