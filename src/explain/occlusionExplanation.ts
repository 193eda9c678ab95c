// N cells, H rows, W columns, K classes.
import type { LoadedClassifier } from '../classifiers/classifier.ts';
import type { Job } from '../job.ts';
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
  warnings: string[];
}

/** Maps of chosen cells, and what they say of each class, without files: what the figures are drawn from. */
export async function explainCells(
  classifier: LoadedClassifier,
  { cells, images, warnings }: ChosenCells,
  options: OcclusionSettings = {},
  job: Job = {},
): Promise<OcclusionExplanation> {
  const settings = resolveOcclusion(options, images.shape);
  const rows = Int32Array.from(cells.keys());
  const targets = cells.map(({ label, predicted }) => label ?? predicted);
  const maps = await measureOcclusion(classifier, images, rows, targets, settings, job);
  const regions = await findRegions(images, rows, settings.mask);
  return {
    ...{ classes: classifier.classes, settings, warnings },
    cells: cells.map((cell, i) => ({
      ...cell,
      target: targets[i]!,
      occlusion: maps[i]!,
      regions: measureRegions([maps[i]!], [regions[i]!]),
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
