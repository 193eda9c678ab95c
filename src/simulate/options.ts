import { storedSideLimit } from '../engine/prepare.ts';
import { type CellTypeName, cellTypes } from '../engine/simulate.ts';
import { BrightcellError } from '../errors.ts';

export const mostCells = 100_000_000;
export const mostSessions = 1000;

export interface SimulateOptions {
  /** How many images, from 1 to 100,000,000. */
  cells: number;
  /** The same seed and options give the same pixels; 0 by default. */
  seed?: number;
  /** Gives each cell type sessions of its own, so that the background betrays the type. */
  confounded?: boolean;
  /** Class folders of PNG files and a cells.csv instead of a data set. */
  images?: boolean;
  /** Share of spoiled images, from 0 to below 1; 0.12 by default. */
  faults?: number;
  /** Runs of the instrument, from 1 (4 when confounded) to 1,000; 12 by default. */
  sessions?: number;
  /** How much of each type; 1 where none is given, 0 leaves a type out. `{ PBMC: 0.05 }` makes PBMC rare. */
  weights?: Partial<Record<CellTypeName, number>>;
  /** [height, width] of the images of the data set; 128 x 128 by default. Images in folders keep their raw size. */
  size?: [number, number];
}

/** Options with nothing left open; what is kept in provenance. */
export interface Simulation {
  cells: number;
  seed: number;
  confounded: boolean;
  faults: number;
  sessions: number;
  weights: Record<CellTypeName, number>;
  /** null: raw images. */
  size: [number, number] | null;
}

/** Fills in defaults and checks every option. Throws `option-invalid`. */
export function resolveSimulation(options: SimulateOptions): Simulation {
  refuseUnknown(options);
  const confounded = flag('confounded', options.confounded);
  const images = flag('images', options.images);
  if (images && options.size !== undefined)
    throw invalid(
      'size belongs to a data set: images in folders keep their raw size. Leave out size or images.',
    );
  return {
    cells: wholeNumber('cells', options.cells, 1, mostCells),
    seed: wholeNumber('seed', options.seed ?? 0, 0, Number.MAX_SAFE_INTEGER),
    confounded,
    faults: share('faults', options.faults ?? 0.12),
    sessions: wholeNumber(
      'sessions',
      options.sessions ?? 12,
      confounded ? cellTypes.length : 1,
      mostSessions,
    ),
    weights: checkWeights(options.weights ?? {}),
    size: images ? null : checkSize(options.size ?? [128, 128]),
  };
}

const known = ['cells', 'seed', 'confounded', 'images', 'faults', 'sessions', 'weights', 'size'];

function refuseUnknown(options: SimulateOptions): void {
  for (const name of Object.keys(options))
    if (!known.includes(name))
      throw invalid(`Options of simulate must be of: ${known.join(', ')}. Received ${name}.`);
}

function flag(name: string, value: unknown): boolean {
  if (value === undefined || typeof value === 'boolean') return value ?? false;
  throw invalid(`${name} must be true or false. Received ${String(value)}.`);
}

function wholeNumber(name: string, value: unknown, from: number, to: number): number {
  if (Number.isSafeInteger(value) && (value as number) >= from && (value as number) <= to)
    return value as number;
  throw invalid(`${name} must be a whole number from ${from} to ${to}. Received ${String(value)}.`);
}

function share(name: string, value: unknown): number {
  if (typeof value === 'number' && value >= 0 && value < 1) return value;
  throw invalid(`${name} must be a number from 0 to below 1. Received ${String(value)}.`);
}

function checkWeights(weights: Partial<Record<CellTypeName, number>>): Record<CellTypeName, number> {
  if (typeof weights !== 'object' || weights === null || Array.isArray(weights))
    throw invalid(
      `weights must be numbers by cell type, such as { PBMC: 0.05 }. Received ${String(weights)}.`,
    );
  for (const [name, value] of Object.entries(weights)) {
    if (!cellTypes.includes(name as CellTypeName))
      throw invalid(`weights must name cell types: ${cellTypes.join(', ')}. Received ${name}.`);
    if (!Number.isFinite(value) || value < 0 || value > 1e6)
      throw invalid(`The weight of ${name} must be a number from 0 to 1,000,000. Received ${String(value)}.`);
  }
  const complete = Object.fromEntries(cellTypes.map(name => [name, weights[name] ?? 1]));
  if (Object.values(complete).every(value => value === 0))
    throw invalid('At least one weight must be greater than 0. Received 0 for every cell type.');
  return complete as Record<CellTypeName, number>;
}

function checkSize(size: unknown): [number, number] {
  if (Array.isArray(size) && size.length === 2 && size.every(isSide)) return [size[0], size[1]];
  throw invalid(
    `size must be [height, width], whole numbers from 1 to ${storedSideLimit}. Received ${JSON.stringify(size)}.`,
  );
}

function isSide(side: unknown): boolean {
  return Number.isInteger(side) && (side as number) >= 1 && (side as number) <= storedSideLimit;
}

function invalid(message: string): BrightcellError {
  return new BrightcellError('option-invalid', message);
}
