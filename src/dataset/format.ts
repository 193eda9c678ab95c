import type { PixelType } from '../engine/imageSet.ts';
import type { Preparation } from '../engine/prepare.ts';
import { npyHeaderBytes } from './npy.ts';

export const formatVersion = 1;

/** `dataset.json`: all that holds for the whole data set. */
export interface DatasetHeader {
  formatVersion: number;
  /** Class names; a label is an index into this list, -1 is unlabelled. */
  classes: string[];
  channels: number;
  height: number;
  width: number;
  pixelType: Exclude<PixelType, 'float32'>;
  /** Cells in a full shard; absent when creating: as many as fit in 1 GiB. Cell `id` is row `id % cellsPerShard`. */
  cellsPerShard?: number;
  preparation: Preparation;
  provenance: { createdBy: string; createdAt: string; source: string; options: Record<string, unknown> };
}

/** Bytes of one stored image. */
export function bytesPerCell(header: DatasetHeader): number {
  const bytesPerPixel = header.pixelType === 'uint8' ? 1 : 2;
  return header.channels * header.height * header.width * bytesPerPixel;
}

/** Cells in a full shard. */
export function cellsPerShard(header: DatasetHeader): number {
  return header.cellsPerShard ?? Math.max(1, Math.floor((2 ** 30 - npyHeaderBytes) / bytesPerCell(header)));
}

export const splitNames = ['train', 'validation', 'test'] as const;
export type SplitName = (typeof splitNames)[number];

/** One cell as it is written. */
export interface NewCell {
  /** [C, H, W] of the header. */
  pixels: Uint8Array | Uint16Array;
  label: number;
  /** Run, donor, day, slide; null where unknown. */
  group: string | null;
  /** Where the image came from: file path relative to the source, and frame within the file. */
  source: string;
  frame: number;
  rawHeight: number;
  rawWidth: number;
  /** In the order of `qualityFeatures`. */
  quality: Float32Array;
  split?: SplitName | null;
  /** Known truth where there is one: null not known, 'good', or the kind of fault ("empty", "cut", ...). */
  truth?: string | null;
}

/** Columns of the cells that a query selects, in order of id. The id is the row of `Dataset.images()`. */
export interface CellTable {
  count: number;
  id: Int32Array;
  label: Int32Array;
  group: (string | null)[];
  /** Index into splitNames, -1 where not split. */
  split: Int8Array;
  /** Fold of a k-fold split, -1 where none. */
  fold: Int16Array;
}

/** Which cells: by default every labelled cell that screening has not rejected. */
export interface CellQuery {
  split?: SplitName;
  includeRejected?: boolean;
  includeUnlabelled?: boolean;
}
