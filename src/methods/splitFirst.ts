import { type EnsuredSplit, ensuredWays, ensureSplit } from '../dataset/ensureSplit.ts';
import { BrightcellError } from '../errors.ts';
import type { Job } from '../job.ts';
import { resolveConfig } from '../train/config.ts';
import { chooseMethod, type MethodTrainOptions, networkOptions, resolvePlain } from './options.ts';

/**
 * Splits the data set as `splitBy` asks, with the training's seed, unless it is split so already; null where it is not
 * asked for. All other settings are checked first: a wrong one leaves the data set as it is. Throws `option-invalid` and
 * what `ensureSplit` throws.
 */
export async function maybeSplit(
  dataset: string,
  options: MethodTrainOptions,
  job: Job,
  folds?: number,
): Promise<EnsuredSplit | null> {
  const { splitBy: by, replaceSplit: replace, ...rest } = options;
  if (by === undefined) {
    if (replace) throw invalid('replaceSplit goes with splitBy, which says how to split.');
    return null;
  }
  if (!ensuredWays.includes(by)) {
    throw invalid(`splitBy must be one of ${ensuredWays.join(', ')}. Received ${String(by)}.`);
  }
  if (options.fold !== undefined) {
    throw invalid(
      `splitBy makes one split into training, validation and test. Received fold ${options.fold} as well. ` +
        'Cross-validate, or split into folds first.',
    );
  }
  return ensureSplit(dataset, { by, seed: await seedOf(rest), folds, replace }, job);
}

/** The training's seed; 0 for a method that leaves nothing to chance. */
async function seedOf(options: MethodTrainOptions): Promise<number> {
  const method = await chooseMethod(options);
  if (method.kind === 'plain') {
    const { seed } = (await resolvePlain(method, options)).settings;
    return typeof seed === 'number' ? seed : 0;
  }
  return (await resolveConfig(networkOptions(options), 1)).seed;
}

function invalid(message: string): BrightcellError {
  return new BrightcellError('option-invalid', message);
}
