// N images, C channels, H rows, W columns, K classes.
import { stat } from 'node:fs/promises';
import { checkPrepared } from '../classifiers/checkPrepared.ts';
import type { LoadedClassifier } from '../classifiers/classifier.ts';
import { isDataset } from '../classifiers/classifyCells.ts';
import { listInputs } from '../classifiers/classifyImages.ts';
import { matchClasses } from '../classifiers/matchClasses.ts';
import { storedImages } from '../classifiers/vectorClassifier.ts';
import { Dataset } from '../dataset/dataset.ts';
import { type CellTable, type SplitName, splitNames } from '../dataset/format.ts';
import { ImageSet } from '../engine/imageSet.ts';
import { BrightcellError } from '../errors.ts';
import { prepareImages } from '../import/prepareImages.ts';
import { type Job, throwIfCancelled } from '../job.ts';
import { selectCells } from '../train/cells.ts';
import { shuffle } from '../train/seed.ts';

/** Which cells to explain. */
export interface CellChoice {
  /** Of a data set: exactly these cells, whatever their part, verdict and class. */
  ids?: readonly number[];
  /** Names; all by default. */
  classes?: readonly string[];
  /** Only cells whose source path has these letters in it. */
  source?: string;
  /** Of each class at most so many, drawn by the seed; 4 by default. */
  perClass?: number;
  /** Only cells that the classifier names rightly, or wrongly. */
  outcome?: 'right' | 'wrong';
  /** Part of the data set's split; by default the test part where there is one, otherwise all. */
  split?: SplitName;
  /** Of a k-fold split: that fold is the test part; null, the default, takes the split as it is. */
  fold?: number | null;
  /** Draws the cells; 0 by default. */
  seed?: number;
}

/** A cell that was chosen. */
export interface ChosenCell {
  /** Path of an image file, or of the cell's source in a data set. */
  source: string;
  /** In the data set; null for a file. */
  id: number | null;
  /** Index of the true class among the classifier's; null where it is not known. */
  label: number | null;
  /** Index of the class that the classifier names. */
  predicted: number;
  /** Of each class, without any mask. */
  probabilities: number[];
}

/** Cells and their stored images, row for row. */
export interface ChosenCells {
  cells: ChosenCell[];
  images: ImageSet;
  /** What a reader should know: classes without cells. */
  warnings: string[];
}

/**
 * Chooses cells of a data set, or all images of files and folders, and classifies them; their images are held in
 * memory. Throws `source-invalid` where nothing is left to explain, `option-invalid`, `model-mismatch`,
 * `image-unreadable`, `cancelled`.
 */
export async function chooseCells(
  classifier: LoadedClassifier,
  inputs: readonly string[],
  choice: CellChoice,
  job: Job,
): Promise<ChosenCells> {
  if (inputs.length === 0) throw nothing('Give a data set, image files or a folder of them.');
  checkClasses(classifier, choice);
  const perClass = choice.perClass ?? 4;
  if (!Number.isInteger(perClass) || perClass < 1 || perClass > 10_000)
    throw new BrightcellError(
      'option-invalid',
      `perClass must be a whole number from 1 to 10000. Received ${perClass}.`,
    );
  const found: Candidate[] = [];
  for (const input of inputs) {
    await stat(input).catch(cause => {
      throw new BrightcellError(
        'source-invalid',
        `${input} must be an image, a folder of images or a data set. It cannot be found.`,
        { cause },
      );
    });
    const more = (await isDataset(input))
      ? chooseOfDataset(classifier, input, { ...choice, perClass }, job)
      : readFiles(classifier, input, choice, job);
    found.push(...(await more));
  }
  return gather(classifier, found, choice);
}

interface Candidate extends Omit<ChosenCell, 'predicted' | 'probabilities'> {
  pixels: Uint8Array | Uint16Array;
  probabilities: Float32Array;
  /** Level and contrast of its session's light, for models that use sessions. */
  light?: Float32Array;
}

/** Cells whose outcome is looked at together. */
const chunk = 256;

async function chooseOfDataset(
  classifier: LoadedClassifier,
  path: string,
  choice: CellChoice & { perClass: number },
  job: Job,
): Promise<Candidate[]> {
  const dataset = await Dataset.open(path, 'read');
  try {
    checkPrepared(classifier, dataset);
    const index = matchClasses(classifier, dataset);
    const pools = await listPools(dataset, choice, index, classifier);
    const found: Candidate[] = [];
    for (const { ids, label, most } of pools)
      found.push(...(await takeCells(classifier, dataset, { ids, label, most }, choice, job)));
    return await withSources(dataset, found);
  } finally {
    await dataset.close();
  }
}

interface Pool {
  ids: Int32Array;
  /** Of all its cells; null where each has its own. */
  label: (id: number) => number | null;
  most: number;
}

/** The cells to draw from: a pool for each class, or one of the ids that were asked for. */
async function listPools(
  dataset: Dataset,
  choice: CellChoice & { perClass: number },
  index: number[],
  classifier: LoadedClassifier,
): Promise<Pool[]> {
  const everything = choice.ids !== undefined;
  const table = await dataset.cells(everything ? { includeRejected: true, includeUnlabelled: true } : {});
  const labels = new Map(Array.from(table.id, (id, i) => [id, table.label[i]!]));
  const label = (id: number) => (labels.get(id)! >= 0 ? index[labels.get(id)!]! : null);
  if (choice.ids) {
    const unknown = choice.ids.filter(id => !labels.has(id));
    if (unknown.length > 0)
      throw new BrightcellError(
        'option-invalid',
        `Cells must be among those of ${dataset.path}, 0 to ${dataset.count - 1}. Received ${unknown.slice(0, 5).join(', ')}.`,
      );
    return [{ ids: Int32Array.from(choice.ids), label, most: choice.ids.length }];
  }
  const named = choice.source === undefined ? undefined : await idsOfSource(dataset, choice.source);
  const part = await partOf(dataset, table, choice);
  return classifier.classes.flatMap((name, k) => {
    if (choice.classes && !choice.classes.includes(name)) return [];
    const ids = table.id.filter(
      (id, i) =>
        index[table.label[i]!] === k &&
        (part === undefined || part.has(id)) &&
        (named === undefined || named.has(id)),
    );
    return [{ ids: shuffle(ids, choice.seed ?? 0), label, most: choice.perClass }];
  });
}

/** The ids of the part to draw from; undefined: all. */
async function partOf(
  dataset: Dataset,
  table: CellTable,
  { split, fold = null }: CellChoice,
): Promise<Set<number> | undefined> {
  const hasTest = fold !== null || table.split.includes(splitNames.indexOf('test'));
  if (split === undefined && !hasTest) return undefined;
  return new Set((await selectCells(dataset, split ?? 'test', fold)).rows);
}

async function idsOfSource(dataset: Dataset, letters: string): Promise<Set<number>> {
  const rows = await dataset.query('SELECT id FROM cells WHERE contains(source, $1)', [letters]);
  return new Set(rows.map(({ id }) => Number(id)));
}

async function takeCells(
  classifier: LoadedClassifier,
  dataset: Dataset,
  { ids, label, most }: Pool,
  { outcome }: CellChoice,
  job: Job,
): Promise<Candidate[]> {
  const taken: Candidate[] = [];
  const images = dataset.images();
  const K = classifier.classes.length;
  for (let at = 0; at < ids.length && taken.length < most; at += chunk) {
    throwIfCancelled(job);
    const rows = ids.subarray(at, outcome ? at + chunk : Math.min(at + chunk, at + most - taken.length));
    const probabilities = await classifier.predict(images, rows, { signal: job.signal });
    for (const [i, id] of rows.entries()) {
      const own = probabilities.slice(i * K, (i + 1) * K);
      const right = largest(own) === label(id);
      if (taken.length === most || (outcome && (outcome === 'right') !== right)) continue;
      const pixels = images.read(id) as Uint8Array;
      const light = classifier.usesSessions && { light: await images.lightOf(Int32Array.of(id)) };
      taken.push({ source: '', id, label: label(id), pixels, probabilities: own, ...light });
    }
  }
  return taken;
}

async function withSources(dataset: Dataset, found: Candidate[]): Promise<Candidate[]> {
  if (found.length === 0) return found;
  const rows = await dataset.query(
    `SELECT id, source FROM cells WHERE id IN (${found.map(({ id }) => id).join(', ')})`,
  );
  const sources = new Map(rows.map(({ id, source }) => [Number(id), String(source)]));
  return found.map(one => ({ ...one, source: sources.get(one.id!) ?? '' }));
}

/** Every page of the image files, prepared as the model's training images were. */
async function readFiles(
  classifier: LoadedClassifier,
  input: string,
  choice: CellChoice,
  job: Job,
): Promise<Candidate[]> {
  if (choice.ids !== undefined || choice.split !== undefined)
    throw new BrightcellError('option-invalid', `ids and split must go with a data set. ${input} is none.`);
  const { preparation, pixelType } = classifier;
  const { paths } = await listInputs(input);
  const wanted = paths.filter(path => choice.source === undefined || path.includes(choice.source));
  const settings = { preparation, bits: pixelType === 'uint16' ? 16 : 8, scaleDown: true } as const;
  const sources = wanted.map(path => ({
    source: path,
    label: null,
    group: null,
    split: null,
    truth: null,
    content: { path },
  }));
  const found: Candidate[] = [];
  for await (const { cells, failures } of prepareImages(sources, settings)) {
    throwIfCancelled(job);
    if (failures[0])
      throw new BrightcellError(
        'image-unreadable',
        `Every image to explain must be readable, but ${failures[0].source} is not: ${failures[0].reason}. Repair it or leave it out.`,
        { fields: { ...failures[0] } },
      );
    for (const { pixels, source } of cells) {
      const probabilities = classifier.classify(pixels).slice();
      const predicted = classifier.classes[largest(probabilities)]!;
      if (choice.classes && !choice.classes.includes(predicted)) continue;
      found.push({ source, id: null, label: null, pixels, probabilities });
    }
    refuseMany(found.length);
  }
  return found;
}

function refuseMany(count: number): void {
  if (count <= 10_000) return;
  throw new BrightcellError(
    'source-invalid',
    'At most 10,000 images are explained at once. Give fewer, or import them into a data set and let it draw.',
  );
}

function gather(classifier: LoadedClassifier, found: Candidate[], choice: CellChoice): ChosenCells {
  if (found.length === 0) throw nothing(describeChoice(choice));
  const stored = storedImages(classifier);
  const { channels, height, width } = stored.shape;
  const size = channels * height * width;
  const all = new (classifier.pixelType === 'uint16' ? Uint16Array : Uint8Array)(found.length * size);
  for (const [i, { pixels }] of found.entries()) all.set(pixels, i * size);
  const images = ImageSet.from(all, stored.shape);
  if (found.every(one => one.light)) {
    const light = Float32Array.from(found.flatMap(one => [...one.light!]));
    images.setLight(async () => light);
  }
  const present = new Set(found.map(({ label, probabilities }) => label ?? largest(probabilities)));
  const wanted = choice.ids || found[0]!.id === null ? [] : (choice.classes ?? classifier.classes);
  const missing = wanted.filter(name => !present.has(classifier.classes.indexOf(name)));
  return {
    cells: found.map(({ pixels: _pixels, light: _light, probabilities, ...rest }) => ({
      ...rest,
      predicted: largest(probabilities),
      probabilities: [...probabilities],
    })),
    images,
    warnings: missing.length === 0 ? [] : [`No cells of ${missing.join(', ')} were there to explain.`],
  };
}

function checkClasses(classifier: LoadedClassifier, { classes }: CellChoice): void {
  const unknown = classes?.filter(name => !classifier.classes.includes(name)) ?? [];
  if (unknown.length === 0) return;
  throw new BrightcellError(
    'option-invalid',
    `Classes must be among the model's: ${classifier.classes.join(', ')}. Received ${unknown.join(', ')}.`,
  );
}

function describeChoice({ classes, source, outcome, split }: CellChoice): string {
  const asked = [
    classes && `of ${classes.join(', ')}`,
    source && `from "${source}"`,
    outcome && `that are named ${outcome === 'right' ? 'rightly' : 'wrongly'}`,
    split && `of the ${split} part`,
  ].filter(Boolean);
  return asked.length === 0
    ? 'There are none that are labelled and not rejected.'
    : `There are none ${asked.join(', ')}. Ask for others.`;
}

function nothing(remedy: string): BrightcellError {
  return new BrightcellError('source-invalid', `There must be cells to explain. ${remedy}`);
}

function largest(values: Float32Array): number {
  return values.reduce((best, value, k) => (value > values[best]! ? k : best), 0);
}
