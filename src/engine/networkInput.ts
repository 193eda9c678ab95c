// What a network is given, and what it may be given. N rows, K classes.
import { BrightcellError } from '../errors.ts';
import { checkRows, ImageSet, type Pixels } from './imageSet.ts';
import { type LightOfImages, withoutSession } from './light.ts';
import type { Loss, NetworkSpec, Optimiser } from './networkSpec.ts';
import {
  type Augmentation,
  checkAugmentation,
  checkNormalisation,
  type Normalisation,
} from './normalisation.ts';
import { checkSeed, positive, resolveLoss, resolveOptimiser } from './trainSettings.ts';

/** Which images to take and how they become the network's input. */
export interface InputRows {
  images: ImageSet;
  /** Rows of `images`, N of them. */
  rows: Int32Array;
  normalisation: Normalisation;
  /** Absent: none. */
  augmentation?: Augmentation;
  /** Seeds augmentation, together with the position in the batch, and dropout; 0 by default. */
  seed?: number;
}

export interface TrainStep extends InputRows {
  /** Class of each row, N of [0, K). */
  labels: Int32Array;
  loss: Loss;
  optimiser: Optimiser;
  learningRate: number;
  /** Largest global L2 norm of the gradient; absent: no clipping. */
  clipNorm?: number;
  /** Of the decoder's loss beside the loss of the classes, above 0; 1 by default. For networks with a decoder. */
  reconstructionWeight?: number;
}

/** What decides what a network takes. */
interface Takes {
  spec: NetworkSpec;
  classes: number;
}

/** Throws `option-invalid` for images, rows or settings that a network does not take. */
export function checkInput(
  { images, rows, normalisation, augmentation, seed }: InputRows,
  { spec }: Takes,
): void {
  if (!(images instanceof ImageSet)) invalid('images must be an ImageSet.');
  if (!(rows instanceof Int32Array)) invalid('rows must be an Int32Array.');
  const { channels, height, width } = spec.input;
  const shape = images.shape;
  if (shape.channels !== channels || shape.height !== height || shape.width !== width)
    invalid(
      `Images must have the network's input shape ${channels} x ${height} x ${width}. ` +
        `Received ${shape.channels} x ${shape.height} x ${shape.width}.`,
    );
  checkNormalisation(normalisation);
  if (augmentation) checkAugmentation(augmentation, images.type);
  if (seed !== undefined) checkSeed(seed);
  checkRows(rows, images.count);
}

/** The same for one image, C x H x W. */
export function checkImage(image: Pixels, normalisation: Normalisation, { spec }: Takes): void {
  const { channels, height, width } = spec.input;
  if (!isPixels(image)) invalid('image must be a Uint8Array, a Uint16Array or a Float32Array.');
  if (image.length !== channels * height * width)
    invalid(
      `An image must hold ${channels} x ${height} x ${width} = ${channels * height * width} values. ` +
        `Received ${image.length}.`,
    );
  checkNormalisation(normalisation);
  if (normalisation === 'session') throw withoutSession();
}

/** The step with every default filled in, checked. */
export function resolveStep(step: TrainStep, takes: Takes): TrainStep {
  checkInput(step, takes);
  if (step.rows.length === 0) invalid('A batch must hold at least one image. Received none.');
  checkClasses('label', step.labels, step.rows, takes);
  positive('learningRate', step.learningRate);
  if (step.clipNorm !== undefined) positive('clipNorm', step.clipNorm);
  if (step.reconstructionWeight !== undefined) checkWeight(step.reconstructionWeight, takes);
  return { ...step, loss: resolveLoss(step.loss), optimiser: resolveOptimiser(step.optimiser) };
}

function checkWeight(weight: number, { spec }: Takes): void {
  positive('reconstructionWeight', weight);
  if (!spec.decoder)
    invalid(`reconstructionWeight is for networks with a decoder. ${spec.name} has none; leave it out.`);
}

/** Throws `option-invalid` unless there is one of the network's classes for each row. */
export function checkClasses(
  name: 'label' | 'target',
  classes: Int32Array,
  rows: Int32Array,
  takes: Takes,
): void {
  if (!(classes instanceof Int32Array)) invalid(`${name}s must be an Int32Array.`);
  if (classes.length !== rows.length)
    invalid(`There must be one ${name} a row. Received ${classes.length} ${name}s for ${rows.length} rows.`);
  const wrong = classes.findIndex(one => one < 0 || one >= takes.classes);
  if (wrong >= 0)
    invalid(
      `${name === 'label' ? 'Labels' : 'Targets'} must be from 0 to ${takes.classes - 1}. Received ${classes[wrong]} at position ${wrong}.`,
    );
}

/** What the core needs to know of the images' sessions beside the images. */
export async function withLight(input: InputRows): Promise<InputRows & { light?: LightOfImages }> {
  if (input.normalisation !== 'session') return input;
  return { ...input, light: await input.images.lightOf(input.rows) };
}

function isPixels(value: unknown): value is Pixels {
  return value instanceof Uint8Array || value instanceof Uint16Array || value instanceof Float32Array;
}

function invalid(message: string): never {
  throw new BrightcellError('option-invalid', message);
}
