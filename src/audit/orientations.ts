// C channels, H rows, W columns.
import { ImageSet, type Pixels } from '../engine/imageSet.ts';

/** Ways in which an image can be mirrored and, where it is square, turned by quarters, without touching a pixel's value. */
export function orientations({ height, width }: ImageSet['shape']): number {
  return height === width ? 8 : 4;
}

/** Rows as they look in one of their orientations; 0 is as they are. The caller closes the set, which knows its sessions' light. */
export function orient(images: ImageSet, rows: Int32Array, way: number): ImageSet {
  const { channels: C, height: H, width: W } = images.shape;
  const size = C * H * W;
  const from = places(H, W, way);
  const first = images.read(rows[0]!);
  const turned = new (first.constructor as new (length: number) => Pixels)(rows.length * size);
  for (const [n, row] of rows.entries()) {
    const pixels = images.read(row);
    for (let c = 0; c < C; c++) {
      const at = c * H * W;
      for (let i = 0; i < H * W; i++) turned[n * size + at + i] = pixels[at + from[i]!]!;
    }
  }
  const set = ImageSet.from(turned, images.shape);
  set.takeLight(images, rows);
  return set;
}

/** Where each pixel of a turned plane stands in the plane as it is: bits of `way` mirror rows, mirror columns and exchange both. */
function places(H: number, W: number, way: number): Int32Array {
  return Int32Array.from({ length: H * W }, (_, i) => {
    const [row, column] = [Math.floor(i / W), i % W];
    const y = way & 1 ? H - 1 - row : row;
    const x = way & 2 ? W - 1 - column : column;
    return way & 4 ? x * W + y : y * W + x;
  });
}
