import type { Dataset } from '../dataset/dataset.ts';
import type { CompareReport } from '../study/compareReport.ts';
import { outcomesOf } from '../study/volumeFiles.ts';
import type { VolumeReport } from '../study/volumeReport.ts';
import {
  classTables,
  type PaperMeasurement,
  type PaperMethod,
  type PaperPart,
  paperClasses,
  paperImages,
  paperMethods,
  paperRejected,
  paperSplit,
  tableTwo,
} from './paper.ts';

/** One number of the paper and ours beside it; null where ours was not measured. */
export interface BesideNumber {
  /** "Table II", "Table III", "Table IV", "Section III-B" or "Fig. 2". */
  where: string;
  what: string;
  method: PaperMethod | null;
  part: PaperPart | null;
  class: string | null;
  /** Images in all, of which 65 % train, as Table II counts; null elsewhere. */
  volume: number | null;
  /** null for all of our images, a volume that the paper does not have. */
  paper: number | null;
  ours: number | null;
}

/** What our numbers come from. */
export interface OurNumbers {
  comparison: CompareReport;
  volume: VolumeReport;
  counts: ClassCount[];
  /** All images, of which some train. */
  cells: number;
}

export interface ClassCount {
  class: string;
  cells: number;
  rejected: number;
}

/** Every number that the paper prints of data, Tables II, III and IV, each with ours. */
export function setBeside({ comparison, volume, counts, cells }: OurNumbers): BesideNumber[] {
  return [...dataNumbers(counts), ...volumeNumbers(volume, cells), ...classNumbers(comparison)];
}

/** Cells of each class and how many of them were rejected. */
export async function countClasses(dataset: Dataset): Promise<ClassCount[]> {
  const rows = await dataset.query(
    "SELECT label, count(*) AS cells, count(*) FILTER (verdict = 'rejected') AS rejected FROM cells WHERE label >= 0 GROUP BY label",
  );
  return dataset.header.classes.map((name, k) => {
    const row = rows.find(one => Number(one.label) === k);
    return { class: name, cells: Number(row?.cells ?? 0), rejected: Number(row?.rejected ?? 0) };
  });
}

function dataNumbers(counts: readonly ClassCount[]): BesideNumber[] {
  const none = { method: null, part: null, volume: null };
  return paperClasses.flatMap(name => {
    const own = counts.find(one => one.class === name);
    const share = own && own.cells > 0 ? own.rejected / own.cells : null;
    const images = {
      ...none,
      where: 'Data set',
      what: 'images',
      class: name,
      paper: paperImages[name]!,
      ours: own?.cells ?? null,
    };
    if (paperRejected[name] === undefined) return [images];
    return [
      images,
      {
        ...none,
        where: 'Section III-B',
        what: 'share rejected',
        class: name,
        paper: paperRejected[name],
        ours: share,
      },
    ];
  });
}

/** Ours at a volume of the paper is a fit on 65 % of so many images. */
export function trainingImagesOf(volume: number): number {
  return Math.round(volume * paperSplit[0]);
}

function volumeNumbers({ fits, trainingCells }: VolumeReport, cells: number): BesideNumber[] {
  return paperMethods.flatMap(method =>
    (['test', 'validation'] as const).flatMap(part => {
      const mean = (size: number) => {
        const own = outcomesOf(fits, method, size).flatMap(one =>
          one.parts.filter(scored => scored.part === part).map(scored => scored.accuracy),
        );
        return own.length === 0 ? null : own.reduce((sum, one) => sum + one, 0) / own.length;
      };
      const one = { where: 'Table II', what: 'accuracy', method, part, class: null };
      const known = tableTwo.volumes.map((volume, i) => {
        const paper = tableTwo.rows[method][part][i]!;
        return { ...one, volume, paper, ours: mean(trainingImagesOf(volume)) };
      });
      return [...known, { ...one, volume: cells, paper: null, ours: mean(trainingCells) }];
    }),
  );
}

function classNumbers({ parts }: CompareReport): BesideNumber[] {
  return (['validation', 'test'] as const).flatMap(part => {
    const methods = parts.find(one => one.part === part)?.comparison.methods ?? [];
    const where = part === 'validation' ? 'Table III' : 'Table IV';
    return (Object.keys(classTables[part]) as PaperMeasurement[]).flatMap(what =>
      paperMethods.flatMap(method =>
        paperClasses.map((name, k) => {
          const own = methods
            .find(one => one.method === method)
            ?.scores.perClass.find(one => one.class === name);
          const paper = classTables[part][what][method][k]!;
          return { where, what, method, part, class: name, volume: null, paper, ours: own?.[what] ?? null };
        }),
      ),
    );
  });
}
