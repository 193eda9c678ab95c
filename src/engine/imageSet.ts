/** Pixel types that a data set stores. */
export type PixelType = 'uint8' | 'uint16' | 'float32';

export interface ImageShape {
  channels: number;
  height: number;
  width: number;
}
