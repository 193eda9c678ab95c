import { BrightcellError } from '../errors.ts';
import { type Initialiser, initialisers, type Loss, type Optimiser } from './networkSpec.ts';

/** An optimiser with every default filled in; throws `option-invalid`. Defaults: Adam 0.9, 0.999, 1e-8; AdamW decay 0.01. */
export function resolveOptimiser(optimiser: Optimiser): Optimiser {
  switch (optimiser.name) {
    case 'adam':
    case 'adamw': {
      const adamw = optimiser.name === 'adamw';
      checkNames(
        optimiser,
        ['name', 'beta1', 'beta2', 'epsilon', ...(adamw ? ['weightDecay'] : [])],
        'optimiser',
      );
      return {
        name: optimiser.name,
        beta1: below('beta1', optimiser.beta1 ?? 0.9, 0, 1),
        beta2: below('beta2', optimiser.beta2 ?? 0.999, 0, 1),
        epsilon: positive('epsilon', optimiser.epsilon ?? 1e-8),
        ...(optimiser.name === 'adamw' && {
          weightDecay: atLeastZero('weightDecay', optimiser.weightDecay ?? 0.01),
        }),
      };
    }
    case 'sgd': {
      checkNames(optimiser, ['name', 'momentum', 'nesterov', 'weightDecay'], 'optimiser');
      const momentum = below('momentum', optimiser.momentum ?? 0, 0, 1);
      if (optimiser.nesterov && momentum === 0)
        invalid('nesterov needs a momentum greater than 0. Received momentum 0.');
      return {
        name: 'sgd',
        momentum,
        nesterov: optimiser.nesterov ?? false,
        weightDecay: atLeastZero('weightDecay', optimiser.weightDecay ?? 0),
      };
    }
    default:
      return invalid(
        `The optimiser must be one of adam, adamw, sgd. Received ${show((optimiser as { name: unknown }).name)}.`,
      );
  }
}

/** A loss with every default filled in; throws `option-invalid`. */
export function resolveLoss(loss: Loss): Loss {
  switch (loss.name) {
    case 'crossEntropy':
      checkNames(loss, ['name', 'labelSmoothing'], 'loss');
      return {
        name: 'crossEntropy',
        labelSmoothing: below('labelSmoothing', loss.labelSmoothing ?? 0, 0, 1),
      };
    case 'focal':
      checkNames(loss, ['name', 'gamma'], 'loss');
      return { name: 'focal', gamma: atLeastZero('gamma', loss.gamma) };
    case 'doubleSoftmax':
    case 'meanSquaredError':
      checkNames(loss, ['name'], 'loss');
      return loss;
    default: {
      const names = 'crossEntropy, doubleSoftmax, meanSquaredError, focal';
      return invalid(`The loss must be one of ${names}. Received ${show((loss as { name: unknown }).name)}.`);
    }
  }
}

/** The initialiser as it is; throws `option-invalid`. */
export function checkInitialiser(initialiser: Initialiser): Initialiser {
  if (!initialisers.includes(initialiser?.name))
    invalid(
      `The initialiser must be one of ${initialisers.join(', ')}. Received ${show(initialiser?.name)}.`,
    );
  if (initialiser.name !== 'truncatedNormal') {
    checkNames(initialiser, ['name'], 'initialiser');
    return initialiser;
  }
  checkNames(initialiser, ['name', 'deviation', 'bias'], 'initialiser');
  positive('deviation', initialiser.deviation);
  if (initialiser.bias !== undefined && !Number.isFinite(initialiser.bias))
    invalid(`bias must be a finite number. Received ${show(initialiser.bias)}.`);
  return initialiser;
}

/** A whole number that a seed can be: 0 to 2^53 - 1; throws `option-invalid`. */
export function checkSeed(seed: number): number {
  if (Number.isSafeInteger(seed) && seed >= 0) return seed;
  return invalid(`seed must be a whole number from 0 to ${Number.MAX_SAFE_INTEGER}. Received ${show(seed)}.`);
}

export function positive(name: string, value: number): number {
  if (typeof value === 'number' && value > 0 && value < Number.POSITIVE_INFINITY) return value;
  return invalid(`${name} must be a finite number greater than 0. Received ${show(value)}.`);
}

function atLeastZero(name: string, value: number): number {
  if (typeof value === 'number' && value >= 0 && value < Number.POSITIVE_INFINITY) return value;
  return invalid(`${name} must be a finite number of at least 0. Received ${show(value)}.`);
}

function below(name: string, value: number, least: number, limit: number): number {
  if (typeof value === 'number' && value >= least && value < limit) return value;
  return invalid(`${name} must be at least ${least} and less than ${limit}. Received ${show(value)}.`);
}

function checkNames(given: object, known: string[], what: string): void {
  for (const name of Object.keys(given))
    if (!known.includes(name))
      invalid(
        `The ${what} has no option "${name}". It has ${known.filter(n => n !== 'name').join(', ') || 'none'}.`,
      );
}

const show = (value: unknown) => (typeof value === 'string' ? `"${value}"` : String(value));

function invalid(message: string): never {
  throw new BrightcellError('option-invalid', message);
}
