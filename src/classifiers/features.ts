import { featureCount, measureFeatures, measureFeaturesOf } from '../engine/features.ts';
import { ImageSet } from '../engine/imageSet.ts';
import { BrightcellError } from '../errors.ts';
import { featureNames, featuresVersion } from '../features/definitions.ts';
import type { Job } from '../job.ts';
import type { StoredImages, VectorSource } from './source.ts';

/**
 * Hand-made features of the stored image as the vector (docs/features.md). Of a data set whose features were measured they
 * are read.
 */
export function createFeatures({ shape }: StoredImages): VectorSource {
  const dimensions = featureCount(shape.channels);
  return {
    hasUnits: true,
    dimensions,
    async vectors(images, rows, job) {
      const values = await readOrMeasure(images, rows, job);
      const set = ImageSet.from(values, { channels: 1, height: 1, width: dimensions });
      return { set, rows: Int32Array.from(rows.keys()), values, release: () => set.close() };
    },
    one: image => measureFeaturesOf(image, shape),
    save: async () => ({ name: 'features', version: featuresVersion }),
    dispose: () => {},
  };
}

/** Features that the data set keeps are read, and those of the other images measured: the same bits either way. */
async function readOrMeasure(images: ImageSet, rows: Int32Array, job?: Job): Promise<Float32Array> {
  const names = featureNames(images.shape.channels);
  const kept = await images.keptFeatures(rows, { version: featuresVersion, names });
  if (!kept) return measureFeatures(images, rows, job);
  const missing = Int32Array.from(rows.keys()).filter(i => kept.there[i] === 0);
  const measured = await measureFeatures(
    images,
    missing.map(i => rows[i]!),
    job,
  );
  const D = names.length;
  missing.forEach((to, from) => {
    kept.values.set(measured.subarray(from * D, (from + 1) * D), to * D);
  });
  return kept.values;
}

/** The same for a saved model; throws `model-newer` or `model-corrupt` where it learnt from other definitions. */
export function loadFeatures(
  folder: string,
  { version }: Record<string, unknown>,
  stored: StoredImages,
): VectorSource {
  if (version === featuresVersion) return createFeatures(stored);
  const newer = typeof version === 'number' && version > featuresVersion;
  throw new BrightcellError(
    newer ? 'model-newer' : 'model-corrupt',
    `The model in ${folder} must have learnt from features of version ${featuresVersion}. Received ` +
      `${JSON.stringify(version)}. ${newer ? 'Update brightcell.' : 'Train it again.'}`,
    { fields: { path: folder } },
  );
}
