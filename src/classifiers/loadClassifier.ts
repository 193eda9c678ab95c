import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { BrightcellError } from '../errors.ts';
import type { LoadedClassifier, LoadOptions } from './classifier.ts';

/**
 * Loads a model from a run folder or a model folder; throws `model-missing`, `model-newer`, `model-corrupt`, and
 * `option-invalid` for a precision that does not exist or that this processor lacks.
 */
export async function loadClassifier(path: string, options: LoadOptions = {}): Promise<LoadedClassifier> {
  const { CnnClassifier } = await import('./cnn.ts');
  return CnnClassifier.load(findModel(path), options);
}

function findModel(path: string): string {
  if (existsSync(join(path, 'network.json'))) return path;
  const inner = join(path, 'model');
  if (existsSync(join(inner, 'network.json'))) return inner;
  const unfinished = existsSync(join(path, 'config.json')) && existsSync(join(path, 'checkpoints'));
  throw new BrightcellError(
    'model-missing',
    unfinished
      ? `${path} must be a run that was trained to the end. Finish it: brightcell train DATASET --resume ${path}`
      : `There is no model at ${path}: neither network.json nor model/network.json. Give a run folder, such as runs/first.`,
    { fields: { path } },
  );
}
