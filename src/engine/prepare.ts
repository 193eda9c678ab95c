import { BrightcellError } from '../errors.ts';
import { addon } from './addon.ts';

/** How a raw image of any size becomes a stored one; part of every data set and every model. */
export interface Preparation {
  height: number;
  width: number;
  /** 'gray': luminance (Rec. 601) of RGB, or the only channel; or indices of the channels to keep. */
  channels: 'gray' | number[];
  /**
   * 'stretch' resizes both sides independently, as the paper does; 'pad' keeps the aspect and fills with the
   * median of the border; 'centre' keeps the scale, pads small images and crops large ones about the middle.
   */
  fit: 'stretch' | 'pad' | 'centre';
}

/** A decoded raw image, channels interleaved (H x W x C), as decoders give it. */
export interface RawImage {
  pixels: Uint8Array | Uint16Array;
  height: number;
  width: number;
  channels: number;
}

export interface PreparedImage {
  /** [C, H, W] of the preparation, same pixel type as the raw image. */
  pixels: Uint8Array | Uint16Array;
  /** One number per name in `qualityFeatures`, measured on the raw image (gray). */
  quality: Float32Array;
}

export const fits = ['stretch', 'pad', 'centre'] as const;
/** Longest side of a raw image, in pixels. */
export const rawSideLimit = 20_000;
/** Longest side of a stored image, in pixels. */
export const storedSideLimit = 4096;
const channelLimit = 64;

/** Names of the quality features, in the order in which the native core gives them. Documented in docs/screening.md. */
export const qualityFeatures: readonly string[] = Object.freeze(addon.qualityFeatures as string[]);

/**
 * Measures quality on the raw image and resizes it (bilinear; area-averaging when shrinking), off the event loop.
 * The pixels must not change until the promise settles. Throws `option-invalid` for a preparation or a raw image
 * that breaks the limits; a raw image has sides of 1 to 20,000 pixels.
 */
export async function prepareImage(raw: RawImage, preparation: Preparation): Promise<PreparedImage> {
  checkPreparation(preparation);
  checkRawImage(raw);
  checkChannels(raw, preparation);
  return addon.prepareImage(raw, preparation);
}

/** Throws `option-invalid` unless every field of the preparation is in its range. */
export function checkPreparation(preparation: Preparation): void {
  checkInteger('height', preparation.height, storedSideLimit);
  checkInteger('width', preparation.width, storedSideLimit);
  if (!fits.includes(preparation.fit)) {
    throw invalid(`fit must be one of ${fits.join(', ')}. Received ${String(preparation.fit)}.`);
  }
  const { channels } = preparation;
  if (channels === 'gray') return;
  const isIndex = (value: unknown) =>
    Number.isInteger(value) && Number(value) >= 0 && Number(value) < channelLimit;
  if (
    Array.isArray(channels) &&
    channels.length > 0 &&
    channels.length <= channelLimit &&
    channels.every(isIndex)
  ) {
    return;
  }
  throw invalid(
    `channels must be 'gray' or a list of channel numbers from 0. Received ${JSON.stringify(channels)}.`,
  );
}

function checkRawImage(raw: RawImage): void {
  checkInteger('raw height', raw.height, rawSideLimit);
  checkInteger('raw width', raw.width, rawSideLimit);
  checkInteger('raw channels', raw.channels, channelLimit);
  if (!(raw.pixels instanceof Uint8Array || raw.pixels instanceof Uint16Array)) {
    throw invalid('raw pixels must be a Uint8Array or a Uint16Array.');
  }
  const expected = raw.height * raw.width * raw.channels;
  if (raw.pixels.length === expected) return;
  throw invalid(
    `raw pixels must be height x width x channels = ${raw.height} x ${raw.width} x ${raw.channels} = ` +
      `${expected} values. Received ${raw.pixels.length}.`,
  );
}

function checkChannels(raw: RawImage, { channels }: Preparation): void {
  if (channels === 'gray') {
    if (raw.channels <= 4) return;
    throw invalid(
      `an image of ${raw.channels} channels has no one gray. Remedy: choose channels by number, 0 to ${raw.channels - 1}.`,
    );
  }
  const missing = channels.find(channel => channel >= raw.channels);
  if (missing === undefined) return;
  throw invalid(`the image has channels 0 to ${raw.channels - 1}. Received channel ${missing}.`);
}

function checkInteger(name: string, value: number, limit: number): void {
  if (Number.isInteger(value) && value >= 1 && value <= limit) return;
  throw invalid(`${name} must be a whole number from 1 to ${limit}. Received ${String(value)}.`);
}

function invalid(message: string): BrightcellError {
  return new BrightcellError('option-invalid', message);
}
