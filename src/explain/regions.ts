// N images, H rows, W columns.
import { findCells } from '../engine/features.ts';
import type { ImageSet } from '../engine/imageSet.ts';
import { maskAt, type OcclusionMap } from './occlusion.ts';

/** Where the mask lies: wholly inside the cell, on its edge, wholly on the background. */
export const regionNames = ['inside', 'edge', 'background'] as const;
export type RegionName = (typeof regionNames)[number];

/** How much a region matters in a map. */
export interface RegionFigures {
  /** Share of the mask's positions that lie in it. */
  area: number;
  /** Mean fall of the class's probability there; null where no position lies in it. */
  meanDrop: number | null;
  /** Share of all falls, rises left out, that stand there; null where the probability falls nowhere. */
  share: number | null;
}

export type Regions = Record<RegionName, RegionFigures>;

/** For each image of `rows`: the region [H, W] of a mask centred at each pixel, as an index into `regionNames`. */
export async function findRegions(images: ImageSet, rows: Int32Array, mask: number): Promise<Uint8Array[]> {
  const { height, width } = images.shape;
  const cells = await findCells(images, rows);
  const size = height * width;
  return Array.from(rows, (_, i) =>
    regionsOf(cells.subarray(i * size, (i + 1) * size), mask, { height, width }),
  );
}

/** `cell` is [H, W], 1 in the cell. */
export function regionsOf(
  cell: Uint8Array,
  mask: number,
  shape: { height: number; width: number },
): Uint8Array {
  const { height, width } = shape;
  const sums = sumsOf(cell, height, width);
  const regions = new Uint8Array(height * width);
  for (let y = 0; y < height; y++)
    for (let x = 0; x < width; x++) {
      const { top, bottom, left, right } = maskAt({ y, x }, mask, shape);
      const at = (row: number, column: number) => sums[row * (width + 1) + column]!;
      const inside = at(bottom, right) - at(top, right) - at(bottom, left) + at(top, left);
      const area = (bottom - top) * (right - left);
      regions[y * width + x] = inside === area ? 0 : inside > 0 ? 1 : 2;
    }
  return regions;
}

/** How much each region matters in one map, or in the mean of several with one list of regions each. */
export function measureRegions(maps: readonly OcclusionMap[], regions: readonly Uint8Array[]): Regions {
  const counts = [0, 0, 0];
  const drops = [0, 0, 0];
  const falls = [0, 0, 0];
  for (const [i, { probability, whole }] of maps.entries())
    for (const [at, region] of regions[i]!.entries()) {
      const drop = whole - probability[at]!;
      counts[region]!++;
      drops[region]! += drop;
      falls[region]! += Math.max(0, drop);
    }
  const positions = counts.reduce((sum, one) => sum + one, 0);
  const fall = falls.reduce((sum, one) => sum + one, 0);
  const figures = counts.map((count, region) => ({
    area: count / positions,
    meanDrop: count > 0 ? drops[region]! / count : null,
    share: fall > 0 ? falls[region]! / fall : null,
  }));
  return Object.fromEntries(regionNames.map((name, region) => [name, figures[region]!])) as Regions;
}

/** Sums of all above and left of each corner, (H + 1) x (W + 1). */
function sumsOf(cell: Uint8Array, height: number, width: number): Int32Array {
  const sums = new Int32Array((height + 1) * (width + 1));
  for (let y = 0; y < height; y++)
    for (let x = 0, row = 0; x < width; x++) {
      row += cell[y * width + x]!;
      sums[(y + 1) * (width + 1) + x + 1] = sums[y * (width + 1) + x + 1]! + row;
    }
  return sums;
}
