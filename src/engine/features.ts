import { BrightcellError } from '../errors.ts';
import { type Job, throwIfCancelled } from '../job.ts';
import { addon } from './addon.ts';
import { checkRows, type ImageSet, type ImageShape } from './imageSet.ts';
import { storedSideLimit } from './prepare.ts';

/** Names of the features of the cell's shape, in the order in which the native core gives them. */
export const shapeFeatures: readonly string[] = Object.freeze(addon.shapeFeatures as string[]);
/** Names of the features of one channel's pixels, in order; they follow the shape's, channel by channel. */
export const pixelFeatures: readonly string[] = Object.freeze(addon.pixelFeatures as string[]);

/** How many features an image of so many channels has. */
export function featureCount(channels: number): number {
  return shapeFeatures.length + channels * pixelFeatures.length;
}

/**
 * Measures the hand-made features of `rows`, N x featureCount(channels) row major, all finite; on all threads of the
 * core, off the event loop. Images are uint8 or uint16, of sides up to 4096. The same bits on any number of threads.
 * Throws `option-invalid`, `cancelled`.
 */
export async function measureFeatures(
  images: ImageSet,
  rows: Int32Array,
  job: Job = {},
): Promise<Float32Array> {
  checkImages(images, rows);
  const count = featureCount(images.shape.channels);
  const dst = new Float32Array(rows.length * count);
  for (const [first, end] of chunksOf(images, rows.length)) {
    throwIfCancelled(job);
    job.onProgress?.({ stage: 'measuring', done: first, total: rows.length, unit: 'images' });
    await addon.measureFeatures(images, rows.subarray(first, end), dst, first * count);
  }
  return dst;
}

/** The features of one image [C, H, W], at once and on the calling thread: the same numbers. Throws `option-invalid`. */
export function measureFeaturesOf(image: Uint8Array | Uint16Array, shape: ImageShape): Float32Array {
  if (!(image instanceof Uint8Array || image instanceof Uint16Array))
    throw invalid('An image must be a Uint8Array or a Uint16Array.');
  checkSides(shape);
  const { channels, height, width } = shape;
  if (image.length !== channels * height * width)
    throw invalid(`An image must be ${channels} x ${height} x ${width} values. Received ${image.length}.`);
  return addon.measureFeaturesOf(image, channels, height, width);
}

/** Which pixels of each row are taken for the cell: masks [N, H, W], 1 in the cell. Throws as `measureFeatures`. */
export async function findCells(images: ImageSet, rows: Int32Array): Promise<Uint8Array> {
  checkImages(images, rows);
  return addon.findCells(images, rows);
}

/** Half a second of work or so. */
function chunksOf(images: ImageSet, count: number): [first: number, end: number][] {
  const { channels, height, width } = images.shape;
  const size = Math.max(1, Math.floor(12e6 / (channels * height * width)));
  return Array.from({ length: Math.ceil(count / size) }, (_, i) => [
    i * size,
    Math.min((i + 1) * size, count),
  ]);
}

function checkImages(images: ImageSet, rows: Int32Array): void {
  if (!(rows instanceof Int32Array)) throw invalid('rows must be an Int32Array.');
  if (images.type === 'float32')
    throw invalid('Features are measured on pixels of uint8 or uint16. Received float32.');
  checkSides(images.shape);
  checkRows(rows, images.count);
}

function checkSides({ height, width }: ImageShape): void {
  if (Math.max(height, width) <= storedSideLimit) return;
  throw invalid(
    `Images must have sides of at most ${storedSideLimit} pixels. Received ${height} x ${width}.`,
  );
}

function invalid(message: string): BrightcellError {
  return new BrightcellError('option-invalid', message);
}
