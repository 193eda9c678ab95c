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

/** Names of the quality features, in the order in which the native core gives them. Documented in docs/screening.md. */
export declare const qualityFeatures: readonly string[];

/** Measures quality on the raw image and resizes it (bilinear; area-averaging when shrinking), off the event loop. */
export declare function prepareImage(raw: RawImage, preparation: Preparation): Promise<PreparedImage>;
