import { addon } from './addon.ts';

/** Types of cells that can be simulated, in the order of their labels. */
export const cellTypes = ['THP1', 'MCF7', 'MB231', 'PBMC'] as const;
export type CellTypeName = (typeof cellTypes)[number];

/** What a simulated image truly is: 'good', or its fault. */
export const truths = ['good', 'empty', 'cut', 'defocused', 'ghost', 'two-cells', 'debris'] as const;
export type TruthName = (typeof truths)[number];

/**
 * Names of the known parameters of each image, in the order of `RenderedCells.parameters`: mean radius
 * (micrometres), long side by short side, radius of the nucleus by that of the cell, count of granules, roughness
 * of the membrane (share of the radius), centre of the cell (shares of width and height), standard deviation of
 * the blur (micrometres), share of the cell outside the frame. Not a number where there is no cell.
 */
export const simulatedParameters: readonly string[] = addon.simulatedParameters;

export interface RenderRequest {
  /** A whole number from 0 to 2^53 - 1. */
  seed: number;
  confounded: boolean;
  /** Share of spoiled images, [0, 1). */
  faults: number;
  sessions: number;
  /** One weight per cell type, in order. */
  weights: readonly number[];
  /** Index of the first cell. A cell depends on the seed, the options and its own index alone. */
  first: number;
  count: number;
  /** Size [height, width] of stored images; absent: raw images. */
  size?: readonly [number, number];
}

/** Columns over the cells of a chunk, N of them. */
export interface RenderedCells {
  /** Index into cellTypes. */
  type: Int32Array;
  session: Int32Array;
  /** Index into truths. */
  truth: Int32Array;
  rawHeight: Int32Array;
  rawWidth: Int32Array;
  /** N x height x width; or raw images one after another, rawHeight x rawWidth each. */
  pixels: Uint8Array;
  /** N x quality features, measured on the raw images; empty for raw images. */
  quality: Float32Array;
  /** N x simulatedParameters. */
  parameters: Float32Array;
}

/** Draws and renders simulated cells on all cores, off the event loop. */
export function renderCells(request: RenderRequest): Promise<RenderedCells> {
  const [height, width] = request.size ?? [0, 0];
  return addon.renderCells({ ...request, height, width });
}
