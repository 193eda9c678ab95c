// N images, C channels, H rows, W columns.
import sharp from 'sharp';
import type { ImageSet, Pixels } from '../engine/imageSet.ts';
import { replaceWhole } from '../wholeFile.ts';

const gap = 4;

/**
 * Writes a PNG of images and what was made of them: a column an image; for each channel a row of originals and below it
 * a row of reconstructions, in the gray values of the stored pixels. `normalised` and `reconstructed` are N x C x H x W.
 */
export async function writeReconstructionSheet(
  path: string,
  images: ImageSet,
  normalised: Float32Array,
  reconstructed: Float32Array,
): Promise<void> {
  const { channels, height, width } = images.shape;
  const sheet = new Sheet(images.count, 2 * channels, height, width);
  const size = height * width;
  for (let image = 0; image < images.count; image++) {
    const stored = images.read(image);
    const at = image * stored.length;
    const made = storedAgain(
      stored,
      normalised.subarray(at, at + stored.length),
      reconstructed.subarray(at, at + stored.length),
    );
    const perGray = stored instanceof Uint16Array ? 257 : 1;
    for (let channel = 0; channel < channels; channel++) {
      const part = (pixels: ArrayLike<number>) => (i: number) => pixels[channel * size + i]! / perGray;
      sheet.draw(image, 2 * channel, part(stored));
      sheet.draw(image, 2 * channel + 1, part(made));
    }
  }
  await replaceWhole(path, temporary => sheet.write(temporary));
}

/** Normalising is x -> (x - centre) / divisor; any two different pixels of the image say with which numbers. */
function storedAgain(stored: Pixels, normalised: Float32Array, reconstructed: Float32Array): Float32Array {
  let [low, high] = [0, 0];
  for (const [i, value] of stored.entries()) {
    if (value < stored[low]!) low = i;
    if (value > stored[high]!) high = i;
  }
  const flat = stored[low] === stored[high];
  const divisor = flat ? 1 : (stored[high]! - stored[low]!) / (normalised[high]! - normalised[low]!);
  const centre = stored[low]! - normalised[low]! * divisor;
  return reconstructed.map(value => value * divisor + centre);
}

class Sheet {
  readonly #height: number;
  readonly #width: number;
  readonly #fullWidth: number;
  readonly #fullHeight: number;
  readonly #gray: Uint8Array;

  constructor(columns: number, rows: number, height: number, width: number) {
    this.#height = height;
    this.#width = width;
    this.#fullWidth = columns * (width + gap) + gap;
    this.#fullHeight = rows * (height + gap) + gap;
    this.#gray = new Uint8Array(this.#fullWidth * this.#fullHeight).fill(255);
  }

  /** Values beyond 0 to 255 are drawn as those. */
  draw(column: number, row: number, gray: (i: number) => number): void {
    const top = gap + row * (this.#height + gap);
    const left = gap + column * (this.#width + gap);
    for (let y = 0; y < this.#height; y++)
      for (let x = 0; x < this.#width; x++) {
        const value = Math.round(gray(y * this.#width + x));
        this.#gray[(top + y) * this.#fullWidth + left + x] = Math.min(255, Math.max(0, value));
      }
  }

  async write(path: string): Promise<void> {
    const raw = { width: this.#fullWidth, height: this.#fullHeight, channels: 1 as const };
    await sharp(this.#gray, { raw }).toColourspace('b-w').png().toFile(path);
  }
}
