import type { VectorSource } from '../classifiers/source.ts';
import type { Dataset } from '../dataset/dataset.ts';
import { BrightcellError } from '../errors.ts';
import type { Job } from '../job.ts';
import { countLabels } from '../train/cells.ts';
import type { FittedMethod, MethodCells } from './fittedMethod.ts';
import { loadLearner, parseMethod } from './method.ts';

/**
 * Fits any method on given cells of an open data set, without a run folder: for comparisons and studies. Choices
 * that settings leave open are made on the validation cells. The same data, cells, settings and seed give the same
 * classifier. A class may have no training cells and is then never, or by a network hardly ever, predicted.
 *
 * `source` makes the vectors of a plain method in place of one that is opened from its name; the classifier takes it over.
 *
 * Throws `option-invalid` for an unknown method or setting, `classes-missing` with cells of fewer than two classes,
 * `network-invalid`, `training-diverged`, `disk-full`, `cancelled`, and what loading an embedding's network throws.
 */
export async function fitMethod(
  dataset: Dataset,
  name: string,
  settings: Record<string, unknown>,
  cells: MethodCells,
  job: Job = {},
  source?: VectorSource,
): Promise<FittedMethod> {
  const method = parseMethod(name);
  refuseOneClass(dataset, cells);
  if (method.kind === 'network') {
    const { fitNetwork } = await import('./fitNetwork.ts');
    return fitNetwork(dataset, name, settings, cells, job);
  }
  const { fitPlain } = await import('./fitPlain.ts');
  return fitPlain(dataset, method, await loadLearner(method, settings), cells, job, source);
}

function refuseOneClass({ header: { classes } }: Dataset, { training }: MethodCells): void {
  const present = countLabels(training.labels, classes.length).filter(count => count > 0).length;
  if (present >= 2) return;
  throw new BrightcellError(
    'classes-missing',
    `Training needs cells of at least 2 classes. Received ${training.rows.length} cells of ${present}. Take more cells.`,
  );
}
