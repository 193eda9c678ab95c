import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { BrightcellError } from '../errors.ts';
import type { LoadedClassifier, LoadOptions } from './classifier.ts';

/**
 * Loads a model from a run folder or a model folder, whatever method it is of; throws `model-missing`, `model-newer`,
 * `model-corrupt`, and `option-invalid` for a precision that does not exist, that this processor lacks or that is not
 * for this method.
 */
export async function loadClassifier(path: string, options: LoadOptions = {}): Promise<LoadedClassifier> {
  const { folder, file } = findModel(path);
  if (file === 'classifier.json') {
    const { VectorClassifier } = await import('./vectorClassifier.ts');
    return VectorClassifier.load(folder, options);
  }
  const { CnnClassifier } = await import('./cnn.ts');
  return CnnClassifier.load(folder, options);
}

function findModel(path: string): { folder: string; file: string } {
  for (const folder of [path, join(path, 'model')]) {
    for (const file of ['network.json', 'classifier.json']) {
      if (existsSync(join(folder, file))) return { folder, file };
    }
  }
  throw new BrightcellError(
    'model-missing',
    existsSync(join(path, 'config.json'))
      ? `${path} must be a run that was trained to the end. Finish it: brightcell train DATASET --resume ${path}`
      : `There is no model at ${path}: no network.json or classifier.json, there or in model/. Give a run folder, such as runs/first.`,
    { fields: { path } },
  );
}
