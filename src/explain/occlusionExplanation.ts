// N cells, H rows, W columns, K classes.
import type { LoadedClassifier } from '../classifiers/classifier.ts';
import { CnnClassifier } from '../classifiers/cnn.ts';
import { BrightcellError } from '../errors.ts';
import type { Job } from '../job.ts';
import {
  type AttributionSettings,
  type Attributions,
  type CellAttributions,
  measureAttributions,
} from './attributions.ts';
import type { ChosenCell, ChosenCells } from './chooseCells.ts';
import {
  measureOcclusion,
  type OcclusionMap,
  type OcclusionSettings,
  type ResolvedOcclusion,
  resolveOcclusion,
} from './occlusion.ts';
import { findRegions, measureRegions, type Regions } from './regions.ts';

/** A cell with its maps. */
export interface ExplainedCell extends ChosenCell {
  /** The class that the maps are about: the true one, or the named one where that is not known. */
  target: number;
  occlusion: OcclusionMap;
  regions: Regions;
  /** Of a network; null for any other classifier, or where they were left out. */
  attributions: CellAttributions | null;
}

export interface ExplainSettings extends OcclusionSettings, AttributionSettings {
  /** Grad-CAM and integrated gradients beside the occlusion maps, for networks; true by default. */
  gradients?: boolean;
}

/** What is known of the cells of one class together. */
export interface ExplainedClass {
  name: string;
  index: number;
  cells: number;
  /** [H, W]: mean over its cells of how far the probability falls. */
  meanDrop: Float32Array;
  regions: Regions;
}

/** Everything that the files and figures show. */
export interface OcclusionExplanation {
  classes: readonly string[];
  settings: ResolvedOcclusion;
  cells: ExplainedCell[];
  /** In order of the classes; those without cells are left out. */
  perClass: ExplainedClass[];
  /** How the maps by gradients were made, and their check with random weights; null where there are none. */
  attributions: Omit<Attributions, 'cells'> | null;
  warnings: string[];
}

/** Maps of chosen cells, and what they say of each class, without files: what the figures are drawn from. */
export async function explainCells(
  classifier: LoadedClassifier,
  { cells, images, warnings }: ChosenCells,
  options: ExplainSettings = {},
  job: Job = {},
): Promise<OcclusionExplanation> {
  const settings = resolveOcclusion(options, images.shape);
  const rows = Int32Array.from(cells.keys());
  const targets = cells.map(({ label, predicted }) => label ?? predicted);
  refuseUnused(classifier, options);
  const maps = await measureOcclusion(classifier, images, rows, targets, settings, job);
  const regions = await findRegions(images, rows, settings.mask);
  const network = classifier instanceof CnnClassifier && options.gradients !== false ? classifier : undefined;
  const byGradients =
    network &&
    (await measureAttributions(network, images, Int32Array.from(targets), options, settings.seed, job));
  const { cells: attributions = [], ...made } = byGradients ?? {};
  return {
    ...{ classes: classifier.classes, settings, warnings },
    attributions: byGradients ? (made as Omit<Attributions, 'cells'>) : null,
    cells: cells.map((cell, i) => ({
      ...cell,
      target: targets[i]!,
      occlusion: maps[i]!,
      regions: measureRegions([maps[i]!], [regions[i]!]),
      attributions: attributions[i] ?? null,
    })),
    perClass: classifier.classes.flatMap((name, index) => {
      const own = rows.filter(i => targets[i] === index);
      if (own.length === 0) return [];
      const ownMaps = Array.from(own, i => maps[i]!);
      return [
        {
          ...{ name, index, cells: own.length, meanDrop: meanDropOf(ownMaps) },
          regions: measureRegions(
            ownMaps,
            Array.from(own, i => regions[i]!),
          ),
        },
      ];
    }),
  };
}

function meanDropOf(maps: readonly OcclusionMap[]): Float32Array {
  const mean = new Float32Array(maps[0]!.probability.length);
  for (const { probability, whole } of maps)
    for (const [i, value] of probability.entries()) mean[i]! += (whole - value) / maps.length;
  return mean;
}

/** Only networks have gradients; what is asked of gradients elsewhere is not left unsaid. */
function refuseUnused(classifier: LoadedClassifier, options: ExplainSettings): void {
  const names = (['layer', 'steps', 'baseline', 'sanityCells'] as const).filter(
    name => options[name] !== undefined,
  );
  if (names.length === 0 || (classifier instanceof CnnClassifier && options.gradients !== false)) return;
  throw new BrightcellError(
    'option-invalid',
    `${names.join(', ')} must go with maps by gradients, which only networks have. Leave ${names.length > 1 ? 'them' : 'it'} away.`,
  );
}
