import { isDeepStrictEqual } from 'node:util';
import type { Dataset } from '../dataset/dataset.ts';
import { BrightcellError } from '../errors.ts';
import type { LoadedClassifier } from './classifier.ts';

/** Throws `model-mismatch` unless the cells of a data set were prepared as the model's training cells were. */
export function checkPrepared(classifier: LoadedClassifier, { path, header }: Dataset): void {
  const wanted = { ...classifier.preparation, pixelType: classifier.pixelType };
  const given = { ...header.preparation, pixelType: header.pixelType };
  if (isDeepStrictEqual(given, wanted)) return;
  throw new BrightcellError(
    'model-mismatch',
    `The cells of ${path} must be prepared as the model's training cells were: ${inWords(wanted)}. ` +
      `They are ${inWords(given)}. Import the images again with these settings, or classify the image files.`,
    { fields: { path } },
  );
}

function inWords(preparation: LoadedClassifier['preparation'] & { pixelType: string }): string {
  const { height, width, channels, fit, pixelType } = preparation;
  return `${height} x ${width} pixels of ${pixelType}, channels ${channels}, fit ${fit}`;
}
