// N cells, H rows, W columns.
import type { CnnClassifier } from '../classifiers/cnn.ts';
import type { ImageSet } from '../engine/imageSet.ts';
import type { Network } from '../engine/network.ts';
import type { InputRows } from '../engine/networkInput.ts';
import { BrightcellError } from '../errors.ts';
import type { Job } from '../job.ts';
import { measureGradCam } from './gradCam.ts';
import {
  type Baseline,
  baselines,
  type IntegratedGradients,
  measureIntegratedGradients,
} from './integratedGradients.ts';
import { findConvolution } from './layers.ts';
import { rankCorrelation, structuralSimilarity } from './mapLikeness.ts';
import { forgetLayers } from './randomised.ts';

/** What a network is asked by its gradients. */
export interface AttributionSettings {
  /** Convolution that Grad-CAM looks at ("conv2", or its index); the last by default. */
  layer?: string;
  /** Of integrated gradients; 32 by default. */
  steps?: number;
  /** Of integrated gradients; 'mean' by default. */
  baseline?: Baseline;
  /** Cells that the check with random weights takes; 4 by default, 0 leaves it out. */
  sanityCells?: number;
}

export interface ResolvedAttribution extends Required<AttributionSettings> {
  /** Index of `layer`. */
  layerIndex: number;
}

/** A cell's maps by gradients, [H, W] each. */
export interface CellAttributions {
  gradCam: Float32Array;
  integratedGradients: IntegratedGradients;
}

/** How alike maps of the trained network and of one that has forgotten are, on average over the cells. */
export interface Likeness {
  /** Spearman's, from -1 to 1. */
  rankCorrelation: number;
  /** Structural similarity, from -1 to 1. */
  similarity: number;
}

/** Of maps that have signs: `rankCorrelation` and `similarity` are of their sizes alone. */
export interface SignedLikeness extends Likeness {
  signedRankCorrelation: number;
}

/** One step of the check: the network with random weights from `from` on. */
export interface SanityStage {
  from: string;
  gradCam: Likeness;
  integratedGradients: SignedLikeness;
  /** Maps of the first of the cells. */
  maps: { gradCam: Float32Array; integratedGradients: Float32Array };
}

export interface Attributions {
  settings: ResolvedAttribution;
  cells: CellAttributions[];
  /** Positions of the cells that the check took. */
  sanityCells: number[];
  /** From the last layer random to all layers random; empty where the check was left out. */
  sanity: SanityStage[];
}

/**
 * Grad-CAM and integrated gradients of cells for their targets, and the check of Adebayo et al. 2018: the same maps of
 * a network whose weights are made random layer by layer, and how alike they still are. Throws `option-invalid`,
 * `cancelled`.
 */
export async function measureAttributions(
  classifier: CnnClassifier,
  images: ImageSet,
  targets: Int32Array,
  settings: AttributionSettings,
  seed: number,
  job: Job,
): Promise<Attributions> {
  const { network, normalisation } = classifier;
  const resolved = resolveAttribution(network, settings);
  const rows = Int32Array.from(targets.keys());
  const cells = await mapCells(network, { images, rows, normalisation }, targets, resolved, job);
  const taken = spread(targets.length, resolved.sanityCells);
  const some = { images, rows: rows.filter(i => taken.includes(i)), normalisation };
  const sanity: SanityStage[] = [];
  if (taken.length > 0)
    for (const { from, network: forgetful } of forgetLayers(network, seed)) {
      const own = await mapCells(
        forgetful,
        some,
        targets.filter((_, i) => taken.includes(i)),
        resolved,
        job,
      );
      sanity.push(
        compareStage(
          from,
          own,
          taken.map(i => cells[i]!),
          images.shape,
        ),
      );
    }
  return { settings: resolved, cells, sanityCells: taken, sanity };
}

function resolveAttribution(network: Network, settings: AttributionSettings): ResolvedAttribution {
  const { steps = 32, baseline = 'mean', sanityCells = 4 } = settings;
  const layer = findConvolution(network.spec, settings.layer);
  wholeNumber('steps', steps, 1, 10_000);
  wholeNumber('sanityCells', sanityCells, 0, 1000);
  if (!baselines.includes(baseline))
    throw new BrightcellError(
      'option-invalid',
      `baseline must be one of ${baselines.join(', ')}. Received ${String(baseline)}.`,
    );
  return { layer: layer.name, layerIndex: layer.index, steps, baseline, sanityCells };
}

function wholeNumber(name: string, value: number, least: number, most: number): void {
  if (Number.isInteger(value) && value >= least && value <= most) return;
  throw new BrightcellError(
    'option-invalid',
    `${name} must be a whole number from ${least} to ${most}. Received ${String(value)}.`,
  );
}

async function mapCells(
  network: Network,
  input: InputRows,
  targets: Int32Array,
  settings: ResolvedAttribution,
  job: Job,
): Promise<CellAttributions[]> {
  const gradCam = await measureGradCam(network, input, targets, settings.layerIndex);
  const gradients = await measureIntegratedGradients(network, input, targets, settings, job);
  return gradCam.map((map, i) => ({ gradCam: map, integratedGradients: gradients[i]! }));
}

/** `most` of `count` cells, evenly. */
function spread(count: number, most: number): number[] {
  const taken = Math.min(count, most);
  return Array.from({ length: taken }, (_, i) => Math.floor(((i + 0.5) * count) / taken));
}

function compareStage(
  from: string,
  forgotten: CellAttributions[],
  trained: CellAttributions[],
  { height, width }: { height: number; width: number },
): SanityStage {
  const likeness = (mapOf: (cell: CellAttributions) => Float32Array): Likeness => {
    const pairs = trained.map((cell, i) => [mapOf(cell), mapOf(forgotten[i]!)] as const);
    const mean = (of: (a: Float32Array, b: Float32Array) => number) =>
      pairs.reduce((sum, [a, b]) => sum + of(a, b), 0) / pairs.length;
    return {
      rankCorrelation: mean(rankCorrelation),
      similarity: mean((a, b) => structuralSimilarity(a, b, height, width)),
    };
  };
  return {
    from,
    gradCam: likeness(cell => cell.gradCam),
    integratedGradients: {
      ...likeness(cell => cell.integratedGradients.map.map(Math.abs)),
      signedRankCorrelation: likeness(cell => cell.integratedGradients.map).rankCorrelation,
    },
    maps: { gradCam: forgotten[0]!.gradCam, integratedGradients: forgotten[0]!.integratedGradients.map },
  };
}
