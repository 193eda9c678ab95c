// node scripts/runTypeScript.mjs bench/timeToAccuracy.ts [--sets simulated,mitocheck --cells 100000 --seeds 1
// --paper-epochs N --epochs N --threads 2 --json FILE]: minutes until the default recipe is as accurate on the
// validation part as the paper's recipe ever gets, beside the minutes that the paper's recipe takes to get there. Run
// `npm run build` before.
//
// Minutes are the processors', divided by the threads: what the clock would show with nothing else running. The JSON
// file has the clock's as well. mitocheck is read from ../shared/data. --paper-epochs stops the paper's recipe early, which can
// only lower the accuracy that is to be reached; --epochs shortens both recipes: to see that it works, not for the claim.
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { availableParallelism, tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { drawTable } from '../src/cli/table.ts';
import { split } from '../src/dataset/split.ts';
import { importImages } from '../src/import/importImages.ts';
import { simulate } from '../src/simulate/simulate.ts';
import { readEpochs } from '../src/train/epochLog.ts';
import { train } from '../src/train/train.ts';
import { EpochClock } from './epochClock.ts';

const data = fileURLToPath(new URL('../../shared/data', import.meta.url));
const recipes = ['paper', 'default'] as const;

/** One recipe's way: the validation accuracy after each epoch, and the minutes of training until then. */
interface Course {
  accuracies: number[];
  /** Of the processors, divided by the threads. */
  minutes: number[];
  clockMinutes: number[];
}

interface Result {
  set: string;
  seed: number;
  /** The most that the paper's recipe reaches. */
  accuracy: number;
  /** Minutes until then; undefined where the default recipe never gets there. */
  paperMinutes: number;
  defaultMinutes: number | undefined;
  /** The most that the default recipe reaches. */
  defaultAccuracy: number;
  courses: Record<(typeof recipes)[number], Course>;
}

const { values } = parseArgs({
  options: {
    sets: { type: 'string', default: 'simulated,mitocheck' },
    cells: { type: 'string', default: '100000' },
    seeds: { type: 'string', default: '1' },
    'paper-epochs': { type: 'string' },
    epochs: { type: 'string' },
    threads: { type: 'string', default: String(availableParallelism()) },
    json: { type: 'string' },
  },
});
const threads = Number(values.threads);
const results: Result[] = [];
for (const set of values.sets.split(',')) {
  const folder = await mkdtemp(join(tmpdir(), 'brightcell-time-'));
  try {
    const dataset = join(folder, set);
    if (set === 'simulated') await simulate(dataset, { cells: Number(values.cells), seed: 1 });
    else await importImages(join(data, set), dataset, {});
    await split(dataset, { seed: 1 });
    for (let seed = 1; seed <= Number(values.seeds); seed++) {
      results.push(await compareRecipes(set, dataset, seed, folder));
      if (values.json) await writeFile(values.json, `${JSON.stringify(results, null, 2)}\n`);
    }
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
console.log(formatResults(results));

async function compareRecipes(set: string, dataset: string, seed: number, folder: string): Promise<Result> {
  const courses = {} as Result['courses'];
  for (const recipe of recipes) {
    courses[recipe] = await follow(dataset, recipe, seed, folder);
    console.error(`${set}, seed ${seed}, ${recipe}: ${Math.max(...courses[recipe].accuracies).toFixed(4)}`);
  }
  const accuracy = Math.max(...courses.paper.accuracies);
  return {
    set,
    seed,
    accuracy,
    paperMinutes: minutesTo(accuracy, courses.paper)!,
    defaultMinutes: minutesTo(accuracy, courses.default),
    defaultAccuracy: Math.max(...courses.default.accuracies),
    courses,
  };
}

async function follow(
  dataset: string,
  recipe: (typeof recipes)[number],
  seed: number,
  folder: string,
): Promise<Course> {
  const clock = new EpochClock();
  const epochs = recipe === 'paper' ? (values['paper-epochs'] ?? values.epochs) : values.epochs;
  const options = { recipe, seed, threads, out: join(folder, 'runs'), name: `${recipe}-${seed}` };
  const { run } = await train(
    dataset,
    { ...options, ...(epochs && { epochs: Number(epochs) }) },
    { onProgress: progress => clock.see(progress) },
  );
  const log = await readEpochs(join(run, 'epochs.csv'));
  const config = JSON.parse(await readFile(join(run, 'config.json'), 'utf8')) as { epochs: number };
  const images = clock.total / config.epochs;
  let seconds = 0;
  return {
    accuracies: log.map(epoch => epoch.validationAccuracy ?? 0),
    minutes: log.map((_, i) => clock.secondsAt((i + 1) * images) / threads / 60),
    clockMinutes: log.map(epoch => (seconds += epoch.seconds) / 60),
  };
}

/** Minutes until this accuracy is reached for the first time. */
function minutesTo(accuracy: number, { accuracies, minutes }: Course): number | undefined {
  return minutes[accuracies.findIndex(reached => reached >= accuracy)];
}

function formatResults(all: Result[]): string {
  const head = ['set', 'seed', 'accuracy', 'paper, min', 'default, min', 'times sooner', "default's most"];
  const rows = all.map(result => [
    result.set,
    result.seed,
    result.accuracy.toFixed(4),
    result.paperMinutes.toFixed(2),
    result.defaultMinutes?.toFixed(2) ?? 'never',
    result.defaultMinutes ? (result.paperMinutes / result.defaultMinutes).toFixed(1) : '-',
    result.defaultAccuracy.toFixed(4),
  ]);
  return drawTable(head, rows);
}
