import { readFile } from 'node:fs/promises';
import { writeWholeFile } from '../wholeFile.ts';

/** One line of `epochs.csv`. Figures of the validation part are null where there is none. */
export interface EpochRecord {
  /** From 1. */
  epoch: number;
  /** At the last step of the epoch. */
  learningRate: number;
  trainLoss: number;
  trainAccuracy: number;
  validationLoss: number | null;
  validationAccuracy: number | null;
  validationMacroF1: number | null;
  seconds: number;
  imagesPerSecond: number;
  /** Mean over images and pixels of (reconstruction - image)^2 while training; null without a decoder. */
  trainReconstructionLoss: number | null;
}

const columns: (keyof EpochRecord)[] = [
  'epoch',
  'learningRate',
  'trainLoss',
  'trainAccuracy',
  'validationLoss',
  'validationAccuracy',
  'validationMacroF1',
  'seconds',
  'imagesPerSecond',
  'trainReconstructionLoss',
];

/** Writes the table whole; numbers come back exactly. */
export async function writeEpochs(path: string, epochs: readonly EpochRecord[]): Promise<void> {
  const lines = epochs.map(record => columns.map(column => record[column] ?? '').join(','));
  await writeWholeFile(path, `${[columns.join(','), ...lines].join('\n')}\n`);
}

/** The epochs up to number `last`; none where there is no table. */
export async function readEpochs(path: string, last = Number.POSITIVE_INFINITY): Promise<EpochRecord[]> {
  const text = await readFile(path, 'utf8').catch(() => '');
  const lines = text.split('\n').slice(1).filter(Boolean);
  return lines.map(parseEpoch).filter(record => record.epoch <= last);
}

function parseEpoch(line: string): EpochRecord {
  const values = line.split(',');
  const entries = columns.map((column, i) => [column, values[i] ? Number(values[i]) : null]);
  return Object.fromEntries(entries) as unknown as EpochRecord;
}
