import { availableParallelism } from 'node:os';
import type { NewCell } from '../dataset/format.ts';
import { type Preparation, prepareImage, type RawImage } from '../engine/prepare.ts';
import { bitsOf, withDepth } from './depth.ts';
import { mapOrdered, WeightLimit } from './mapOrdered.ts';
import { openImage } from './openImage.ts';
import type { Failure, SourceImage } from './source.ts';

/** What one image of a source became: a cell for each of its pages that could be read. */
export interface PreparedSource {
  image: SourceImage;
  cells: Omit<NewCell, 'label'>[];
  failures: Failure[];
  /** Pages whose pixels were scaled to the depth asked for. */
  rescaled: number;
}

export interface PrepareSettings {
  preparation: Preparation;
  bits: 8 | 16;
  /** Whether 16-bit images may become 8-bit ones; otherwise they are failures. */
  scaleDown: boolean;
}

/** Bytes of decoded images held at once; a single larger image is worked on alone. */
const decodedBytes = 512e6;

/** Decodes, measures and resizes images, several at once; gives them in their order. */
export function prepareImages(
  images: Iterable<SourceImage> | AsyncIterable<SourceImage>,
  settings: PrepareSettings,
): AsyncGenerator<PreparedSource> {
  const limit = new WeightLimit(decodedBytes);
  return mapOrdered(images, 4 * availableParallelism() + 4, image => prepareSource(image, settings, limit));
}

async function prepareSource(
  image: SourceImage,
  settings: PrepareSettings,
  limit: WeightLimit,
): Promise<PreparedSource> {
  const result: PreparedSource = { image, cells: [], failures: [], rescaled: 0 };
  const { content } = image;
  if ('raw' in content) {
    await addFrame(result, content.frame, image.source, settings, async work => work(content.raw));
    return result;
  }
  try {
    const { frames, read, ...size } = await openImage(content.path);
    const weight = size.height * size.width * size.channels * (size.bits / 8) * 2;
    for (let frame = 0; frame < frames; frame++) {
      const name = frames > 1 ? `${image.source} page ${frame + 1}` : image.source;
      await addFrame(result, frame, name, settings, work =>
        limit.run(weight, async () => work(await read(frame))),
      );
    }
  } catch (error) {
    result.failures.push({ source: image.source, reason: (error as Error).message });
  }
  return result;
}

async function addFrame(
  result: PreparedSource,
  frame: number,
  name: string,
  settings: PrepareSettings,
  withRaw: (work: (raw: RawImage) => Promise<void>) => Promise<void>,
): Promise<void> {
  try {
    await withRaw(async raw => {
      refuseUnfit(raw, settings);
      if (bitsOf(raw) !== settings.bits) result.rescaled++;
      const { pixels, quality } = await prepareImage(withDepth(raw, settings.bits), settings.preparation);
      const { source, group, split, truth } = result.image;
      const size = { rawHeight: raw.height, rawWidth: raw.width };
      result.cells.push({ pixels, quality, source, frame, group, split, truth, ...size });
    });
  } catch (error) {
    result.failures.push({ source: name, reason: (error as Error).message });
  }
}

function refuseUnfit(raw: RawImage, { preparation, bits, scaleDown }: PrepareSettings): void {
  const { channels } = preparation;
  if (channels === 'gray' && raw.channels !== 1 && raw.channels !== 3)
    throw new Error(`has ${raw.channels} channels; choose which to keep with --channels`);
  if (channels !== 'gray' && Math.max(...channels) >= raw.channels)
    throw new Error(`has no channel ${Math.max(...channels)}, only ${raw.channels} from 0`);
  if (bits === 8 && bitsOf(raw) === 16 && !scaleDown)
    throw new Error(
      'has 16 bits a pixel in a data set of 8; import anew with --depth 16, or scale with --depth 8',
    );
}
