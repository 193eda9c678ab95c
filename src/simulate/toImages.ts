import { access, mkdir, readdir, readFile, rename, writeFile } from 'node:fs/promises';
import { availableParallelism } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import sharp from 'sharp';
import { cellTypes, simulatedParameters, truths } from '../engine/simulate.ts';
import { BrightcellError } from '../errors.ts';
import type { Job } from '../job.ts';
import { asDiskFull, writeWholeFile } from '../wholeFile.ts';
import { type Chunk, renderChunks, sessionName } from './chunks.ts';
import type { Simulation } from './options.ts';
import { countTruth, type TruthCounts } from './report.ts';

const settingsFile = 'simulation.json';

/**
 * Simulates into class folders of PNG files, and `cells.csv` with the truth of each, written when all files are
 * there. Files that a stopped simulation left are kept. `simulation.json` holds the options.
 */
export async function simulateImages(out: string, simulation: Simulation, job: Job): Promise<TruthCounts> {
  await openFolder(out, simulation);
  const counts = countTruth(0);
  await writeWholeFile(join(out, 'cells.csv'), async file => {
    const columns = ['path', 'label', 'group', 'truth', 'index', 'rawHeight', 'rawWidth'];
    await file.write(`${[...columns, ...simulatedParameters].join(',')}\n`);
    for await (const chunk of renderChunks(simulation, 0, job)) {
      const images = imagesOf(chunk);
      counts.before += await writeImages(out, images);
      await file.write(images.map(image => `${image.row}\n`).join(''));
      for (const image of images) counts.add(image.type, image.truth, 1);
      const done = chunk.first + chunk.count;
      job.onProgress?.({ stage: 'simulating', done, total: simulation.cells, unit: 'images' });
    }
  });
  return counts;
}

async function openFolder(out: string, simulation: Simulation): Promise<void> {
  try {
    const path = join(out, settingsFile);
    await mkdir(out, { recursive: true });
    if ((await readdir(out)).length > 0) await checkSame(out, path, simulation);
    else await writeWholeFile(path, `${JSON.stringify(simulation, null, 2)}\n`);
    for (const name of cellTypes)
      if (simulation.weights[name] > 0) await mkdir(join(out, name), { recursive: true });
  } catch (error) {
    throw asDiskFull(error, out);
  }
}

async function checkSame(out: string, path: string, simulation: Simulation): Promise<void> {
  const found = await readFile(path, 'utf8').then(JSON.parse, () => undefined);
  if (isDeepStrictEqual(found, simulation)) return;
  const what = found ? `images with the options ${JSON.stringify(found)}` : 'a folder with other files';
  throw new BrightcellError(
    'dataset-exists',
    `${out} must not exist yet, be empty, or hold simulated images of the same options. Received ${what}. ` +
      'Choose another folder, or give the same options to go on with it.',
    { fields: { path: out } },
  );
}

interface SimulatedImage {
  type: (typeof cellTypes)[number];
  truth: (typeof truths)[number];
  path: string;
  row: string;
  pixels: Uint8Array;
  height: number;
  width: number;
}

function imagesOf({ first, count, cells }: Chunk): SimulatedImage[] {
  let offset = 0;
  return Array.from({ length: count }, (_, i) => {
    const type = cellTypes[cells.type[i]!]!;
    const truth = truths[cells.truth[i]!]!;
    const group = sessionName(cells.session[i]!);
    const [height, width] = [cells.rawHeight[i]!, cells.rawWidth[i]!];
    const path = `${type}/${group}-${String(first + i).padStart(8, '0')}.png`;
    const pixels = cells.pixels.subarray(offset, (offset += height * width));
    const known = cells.parameters.subarray(
      i * simulatedParameters.length,
      (i + 1) * simulatedParameters.length,
    );
    const row = [path, type, group, truth, first + i, height, width, ...Array.from(known, formatNumber)].join(
      ',',
    );
    return { type, truth, path, row, pixels, height, width };
  });
}

function formatNumber(value: number): string {
  return Number.isNaN(value) ? '' : String(Number(value.toPrecision(6)));
}

/** Writes what is not there yet, several files at once; gives how many were there. */
async function writeImages(out: string, images: SimulatedImage[]): Promise<number> {
  let next = 0;
  let there = 0;
  const work = async () => {
    for (let image = images[next++]; image; image = images[next++])
      if (!(await writeImage(join(out, image.path), image))) there++;
  };
  await Promise.all(Array.from({ length: 2 * availableParallelism() }, work));
  return there;
}

/** Renamed into place, so that a file is whole where it stands; not synced one by one, which a million would not bear. */
async function writeImage(path: string, { pixels, height, width }: SimulatedImage): Promise<boolean> {
  const there = await access(path).then(
    () => true,
    () => false,
  );
  if (there) return false;
  const raw = { width, height, channels: 1 as const };
  const temporary = join(dirname(path), `.${basename(path)}.part`);
  try {
    const png = await sharp(pixels, { raw }).toColourspace('b-w').png({ compressionLevel: 3 }).toBuffer();
    await writeFile(temporary, png);
    await rename(temporary, path);
    return true;
  } catch (error) {
    throw asDiskFull(error, path);
  }
}
