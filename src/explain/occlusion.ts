// N images, C channels, H rows, W columns, K classes.
import type { Classifier } from '../classifiers/classifier.ts';
import { ImageSet, type Pixels } from '../engine/imageSet.ts';
import { BrightcellError } from '../errors.ts';
import { type Job, throwIfCancelled } from '../job.ts';
import { type Fill, fills, hideImage } from './fill.ts';
import { GridPlan, gridLines } from './occlusionGrid.ts';

/** How an image is hidden part by part. */
export interface OcclusionSettings {
  /** Side of the square mask, in pixels; an eighth of the longer side by default. */
  mask?: number;
  /** Pixels from one position of the mask to the next, at the finest; 1 by default. */
  stride?: number;
  /** What the mask is filled with; 'mean' by default. */
  fill?: Fill;
  /** Most positions that are measured for one image; 600 by default. `full` measures every one. */
  positions?: number | 'full';
  /** Of the noise that fills; 0 by default. */
  seed?: number;
}

/** The settings with every default filled in. */
export type ResolvedOcclusion = Required<OcclusionSettings>;

/** How the probability of a class changes as a mask slides over an image. */
export interface OcclusionMap {
  height: number;
  width: number;
  /** Index of the class. */
  target: number;
  /** Its probability without a mask. */
  whole: number;
  /** [H, W]: its probability with the mask centred at each pixel (row y covers y - floor(mask/2) and on). */
  probability: Float32Array;
  /** Positions that were measured, of so many in all; between them the map is interpolated. */
  measured: number;
  positions: number;
}

/**
 * Occlusion maps (Zeiler and Fergus 2014; the paper's reverse probability map) of rows of an image set, each for the
 * class in `targets`, by any classifier. The mask's positions are measured on a coarse grid of about half a mask (wider where that is beyond `positions`),
 * then on finer ones wherever the corners of a square differ by more than a twentieth of the map's range, down to the
 * stride. Memory: some masked copies at a time. Throws `option-invalid`, `cancelled`.
 */
export async function measureOcclusion(
  classifier: Classifier,
  images: ImageSet,
  rows: Int32Array,
  targets: ArrayLike<number>,
  settings: OcclusionSettings = {},
  job: Job = {},
): Promise<OcclusionMap[]> {
  const resolved = resolveOcclusion(settings, images.shape);
  const copies = new MaskedCopies(classifier, images, resolved, job);
  const maps: OcclusionMap[] = [];
  for (const [i, row] of rows.entries()) {
    throwIfCancelled(job);
    job.onProgress?.({ stage: 'hiding parts', done: i, total: rows.length, unit: 'cells' });
    maps.push(await measureOne(copies, row, targets[i]!, resolved));
  }
  return maps;
}

async function measureOne(
  copies: MaskedCopies,
  row: number,
  target: number,
  { stride, mask, positions }: ResolvedOcclusion,
): Promise<OcclusionMap> {
  const { height, width } = copies.shape;
  const [ys, xs] = [gridLines(height, stride), gridLines(width, stride)];
  const all = ys.length * xs.length;
  const plan =
    positions === 'full' ? new GridPlan(ys, xs, 1, all) : new GridPlan(ys, xs, mask / 2 / stride, positions);
  copies.look(row, target);
  const [whole] = await copies.predict([undefined]);
  while (plan.pending.length > 0) {
    const places = plan.pending.map(at => ({ y: ys[Math.floor(at / xs.length)]!, x: xs[at % xs.length]! }));
    plan.take(await copies.predict(places));
  }
  return {
    ...{ height, width, target, whole: whole! },
    probability: plan.fill(height, width),
    ...{ measured: plan.measured, positions: all },
  };
}

/** Fills in the defaults; throws `option-invalid`. */
export function resolveOcclusion(
  settings: OcclusionSettings,
  { height, width }: { height: number; width: number },
): ResolvedOcclusion {
  const side = Math.max(height, width);
  const {
    mask = Math.max(1, Math.round(side / 8)),
    stride = 1,
    fill = 'mean',
    positions = 600,
    seed = 0,
  } = settings;
  wholeNumber('mask', mask, 1, side);
  wholeNumber('stride', stride, 1, side);
  wholeNumber('seed', seed, 0, 2 ** 32 - 1);
  if (positions !== 'full') wholeNumber('positions', positions, 1, 1e6);
  if (!fills.includes(fill))
    throw invalid(`fill must be one of ${fills.join(', ')}. Received ${String(fill)}.`);
  return { mask, stride, fill, positions, seed };
}

function wholeNumber(name: string, value: number, least: number, most: number): void {
  if (Number.isInteger(value) && value >= least && value <= most) return;
  throw invalid(`${name} must be a whole number from ${least} to ${most}. Received ${String(value)}.`);
}

function invalid(message: string): BrightcellError {
  return new BrightcellError('option-invalid', message);
}

/** Bytes of masked copies that are made and classified at once. */
const copyBytes = 8 << 20;

/** One image at a time, copied with a square of it hidden. */
class MaskedCopies {
  readonly shape: ImageSet['shape'];
  readonly #classifier: Classifier;
  readonly #images: ImageSet;
  readonly #settings: ResolvedOcclusion;
  readonly #job: Job;
  readonly #pixels: Pixels;
  readonly #copies: ImageSet;
  readonly #size: number;
  readonly #most: number;
  #image!: Pixels;
  #hidden!: Pixels;
  #target = 0;

  constructor(classifier: Classifier, images: ImageSet, settings: ResolvedOcclusion, job: Job) {
    const { channels, height, width } = images.shape;
    this.shape = images.shape;
    this.#classifier = classifier;
    this.#images = images;
    this.#settings = settings;
    this.#job = { signal: job.signal };
    this.#size = channels * height * width;
    this.#most = Math.max(1, Math.min(512, Math.floor(copyBytes / this.#size)));
    const Kind = { uint8: Uint8Array, uint16: Uint16Array, float32: Float32Array }[images.type];
    this.#pixels = new Kind(this.#most * this.#size);
    this.#copies = ImageSet.from(this.#pixels, images.shape);
  }

  look(row: number, target: number): void {
    this.#image = this.#images.read(row);
    this.#copies.takeLight(this.#images, new Int32Array(this.#most).fill(row));
    this.#hidden = hideImage(this.#image, this.shape, this.#settings.fill, this.#settings.seed);
    this.#target = target;
  }

  /** The class's probability with the mask at each place; undefined is no mask. */
  async predict(places: ({ y: number; x: number } | undefined)[]): Promise<Float32Array> {
    const result = new Float32Array(places.length);
    const K = this.#classifier.classes.length;
    for (let first = 0; first < places.length; first += this.#most) {
      const part = places.slice(first, first + this.#most);
      for (const [i, place] of part.entries()) this.#draw(i, place);
      const rows = Int32Array.from(part.keys());
      const probabilities = await this.#classifier.predict(this.#copies, rows, this.#job);
      for (const i of part.keys()) result[first + i] = probabilities[i * K + this.#target]!;
    }
    return result;
  }

  #draw(index: number, place: { y: number; x: number } | undefined): void {
    const copy = this.#pixels.subarray(index * this.#size, (index + 1) * this.#size);
    copy.set(this.#image);
    if (!place) return;
    const { channels, height, width } = this.shape;
    const { top, bottom, left, right } = maskAt(place, this.#settings.mask, this.shape);
    for (let c = 0; c < channels; c++)
      for (let y = top; y < bottom; y++) {
        const row = (c * height + y) * width;
        copy.set(this.#hidden.subarray(row + left, row + right), row + left);
      }
  }
}

/** The pixels that a mask centred at a place covers; cut off at the image's border. `bottom` and `right` are beyond. */
export function maskAt(
  { y, x }: { y: number; x: number },
  mask: number,
  { height, width }: { height: number; width: number },
): { top: number; bottom: number; left: number; right: number } {
  const [top, left] = [y - (mask >> 1), x - (mask >> 1)];
  return {
    top: Math.max(0, top),
    bottom: Math.min(height, top + mask),
    left: Math.max(0, left),
    right: Math.min(width, left + mask),
  };
}
