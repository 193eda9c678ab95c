import { checkPrepared } from '../classifiers/checkPrepared.ts';
import { loadClassifier } from '../classifiers/loadClassifier.ts';
import type { Dataset } from '../dataset/dataset.ts';
import { BrightcellError } from '../errors.ts';
import { readRun } from '../study/runFolder.ts';
import type { AuditedRun } from './part.ts';

/**
 * Loads the run that is audited with a data set; whoever calls disposes of its classifier. Throws `run-missing`,
 * `model-missing`, `model-corrupt`, and `model-mismatch` where the data set was prepared in another way or has a class
 * that the model does not know.
 */
export async function openRun(path: string, dataset: Dataset): Promise<AuditedRun> {
  const { network: method, isNetwork, fold, fingerprint } = await readRun(path);
  const classifier = await loadClassifier(path);
  try {
    checkPrepared(classifier, dataset);
    const index = dataset.header.classes.map(name => classifier.classes.indexOf(name));
    const unknown = dataset.header.classes.filter((_, k) => index[k] === -1);
    if (unknown.length > 0) throw mismatch(path, dataset.path, classifier.classes, unknown);
    const sameCells = (await dataset.fingerprint()) === fingerprint;
    return { path, method, isNetwork, fold, sameCells, classifier, labelOf: label => index[label]! };
  } catch (error) {
    classifier.dispose();
    throw error;
  }
}

function mismatch(
  run: string,
  dataset: string,
  known: readonly string[],
  unknown: string[],
): BrightcellError {
  return new BrightcellError(
    'model-mismatch',
    `Every class of ${dataset} must be one that ${run} knows: ${known.join(', ')}. Received ${unknown.join(', ')} as well. ` +
      'Give the run that was trained on these classes.',
    { fields: { path: dataset } },
  );
}
