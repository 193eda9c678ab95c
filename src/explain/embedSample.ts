import type { LoadedClassifier } from '../classifiers/classifier.ts';
import { matchClasses } from '../classifiers/matchClasses.ts';
import type { Dataset } from '../dataset/dataset.ts';
import { type SplitName, splitNames } from '../dataset/format.ts';
import { apportion } from '../dataset/stratify.ts';
import { BrightcellError } from '../errors.ts';
import { selectCells } from '../train/cells.ts';
import { shuffle } from '../train/seed.ts';

/** Which cells to embed. */
export interface CellSample {
  /** How many, of each class its share and at least one; 1000 by default, or all where there are fewer. */
  cells?: number;
  /** Of the split; by default the test part where there is one, otherwise every accepted, labelled cell. */
  part?: SplitName | 'all';
  /** Of a k-fold split: that fold is the test part; null, the default, takes the split as it is. */
  fold?: number | null;
  /** Draws the cells; 0 by default. */
  seed?: number;
}

/** The cells of an embedding, column by column, in order of id. */
export interface EmbeddedCells {
  id: Int32Array;
  /** Index of the class among the classifier's. */
  label: Int32Array;
  /** Index of the class that the classifier names. */
  predicted: Int32Array;
  group: (string | null)[];
  /** Part of the split; null where none. */
  split: (SplitName | null)[];
  /** Path of the image. */
  source: string[];
}

const usualCells = 1000;
/** What neighbours, folds and a picture need. */
const fewestCells = 10;
const mostCells = 10_000_000;

/**
 * Draws a stratified sample of a data set's accepted, labelled cells. Throws `model-mismatch` for cells of classes or
 * preparation that the model does not know, `source-invalid` where fewer than ten are left, `option-invalid`.
 */
export async function drawCells(
  classifier: LoadedClassifier,
  dataset: Dataset,
  { cells = usualCells, part, fold = null, seed = 0 }: CellSample,
): Promise<Omit<EmbeddedCells, 'predicted'>> {
  if (!Number.isInteger(cells) || cells < fewestCells || cells > mostCells)
    throw invalid(`cells must be a whole number from ${fewestCells} to ${mostCells}. Received ${cells}.`);
  if (part !== undefined && part !== 'all' && !splitNames.includes(part))
    throw invalid(`part must be one of ${splitNames.join(', ')}, all. Received ${part}.`);
  const index = matchClasses(classifier, dataset);
  const table = await dataset.cells();
  const wanted = await idsOfPart(dataset, table.split, part, fold);
  const kept = table.id.map((_, i) => i).filter(i => wanted === null || wanted.has(table.id[i]!));
  if (kept.length < fewestCells) throw tooFew(dataset, kept.length, part);
  const chosen = stratified(kept, i => table.label[i]!, cells, seed);
  const id = chosen.map(i => table.id[i]!);
  return {
    id,
    label: chosen.map(i => index[table.label[i]!]!),
    group: Array.from(chosen, i => table.group[i]!),
    split: Array.from(chosen, i => splitNames[table.split[i]!] ?? null),
    source: await sourcesOf(dataset, id),
  };
}

async function idsOfPart(
  dataset: Dataset,
  split: Int8Array,
  part: CellSample['part'],
  fold: number | null,
): Promise<Set<number> | null> {
  if (part === 'all') return null;
  const hasTest = fold !== null || split.includes(splitNames.indexOf('test'));
  if (part === undefined && !hasTest) return null;
  return new Set((await selectCells(dataset, part ?? 'test', fold)).rows);
}

/** In order, of each class its share. */
function stratified(
  kept: Int32Array,
  labelOf: (i: number) => number,
  most: number,
  seed: number,
): Int32Array {
  if (kept.length <= most) return kept;
  const classes = [...new Set(kept.map(labelOf))].sort((a, b) => a - b);
  const members = classes.map(k => kept.filter(i => labelOf(i) === k));
  const counts = apportion(
    most,
    members.map(one => one.length / kept.length),
  );
  const drawn = members.flatMap((one, c) => [...shuffle(one, seed + c).subarray(0, counts[c])]);
  return Int32Array.from(drawn).sort();
}

async function sourcesOf(dataset: Dataset, id: Int32Array): Promise<string[]> {
  const place = new Map(Array.from(id, (one, i) => [one, i]));
  const sources = new Array<string>(id.length).fill('');
  await dataset.scan('SELECT id, source FROM cells ORDER BY id', chunk => {
    const [ids, names] = [chunk.getColumnValues(0), chunk.getColumnValues(1)];
    for (const [row, one] of ids.entries()) {
      const at = place.get(Number(one));
      if (at !== undefined) sources[at] = String(names[row]);
    }
  });
  return sources;
}

function tooFew(dataset: Dataset, count: number, part: CellSample['part']): BrightcellError {
  const where = part === undefined || part === 'all' ? '' : ` in its ${part} part`;
  return new BrightcellError(
    'source-invalid',
    `${dataset.path} must have at least ${fewestCells} accepted, labelled cells${where} to embed. Received ${count}. ` +
      'Ask for another part, or import more.',
    { fields: { path: dataset.path } },
  );
}

function invalid(message: string): BrightcellError {
  return new BrightcellError('option-invalid', message);
}
