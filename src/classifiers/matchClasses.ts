import type { Dataset } from '../dataset/dataset.ts';
import { BrightcellError } from '../errors.ts';
import { checkPrepared } from './checkPrepared.ts';
import type { LoadedClassifier } from './classifier.ts';

/**
 * The classifier's class for each class of a data set, matched by name. Throws `model-mismatch` for a class that the
 * model does not know and for images that were prepared in another way.
 */
export function matchClasses(classifier: LoadedClassifier, dataset: Dataset): number[] {
  checkPrepared(classifier, dataset);
  const { path, header } = dataset;
  const index = header.classes.map(name => classifier.classes.indexOf(name));
  const unknown = header.classes.filter((_, k) => index[k] === -1);
  if (unknown.length === 0) return index;
  throw new BrightcellError(
    'model-mismatch',
    `Every class of ${path} must be one that the model knows: ${classifier.classes.join(', ')}. ` +
      `Received ${unknown.join(', ')} as well. Rename the classes or train on them.`,
    { fields: { path } },
  );
}
