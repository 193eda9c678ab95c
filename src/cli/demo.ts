import { existsSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { Command } from 'commander';
import { BrightcellError } from '../errors.ts';
import type { Job } from '../job.ts';
import { printAudit } from './audit.ts';
import { printEvaluation } from './evaluate.ts';
import { printImport } from './import.ts';
import { wholeNumber } from './numbers.ts';
import { perform } from './perform.ts';
import { printReport } from './report.ts';
import { printScreening } from './screen.ts';
import { printSimulation } from './simulate.ts';
import { printSplit } from './split.ts';
import { countOf, formatDuration } from './text.ts';
import { printTraining } from './train.ts';

/** Adds `brightcell demo`. */
export function addDemo(program: Command): void {
  program
    .command('demo')
    .description(
      'Everything at once: simulate (or take your images), import, screen, split, train, evaluate, audit, report.',
    )
    .option('--data <folder>', 'your images instead of simulated ones: anything that import reads')
    .option(
      '--out <folder>',
      'folder to create (default: brightcell-demo, or the next free brightcell-demo-N)',
    )
    .option('--cells <n>', 'cells to simulate (default: 6000)', wholeNumber(40, 10_000_000))
    .option(
      '--epochs <n>',
      'passes over the training cells (default: by their number)',
      wholeNumber(1, 100_000),
    )
    .option('--seed <n>', 'the same seed gives the same result (default: 1)', wholeNumber(0, 2 ** 32 - 1))
    .addHelpText('after', '\nExamples:\n  $ brightcell demo\n  $ brightcell demo --data my-images')
    .action((options: DemoOptions, command: Command) => {
      const folder = options.out ?? nextFreeFolder('brightcell-demo');
      return perform(command, {
        work: (job, say) => new Demo(folder, options, job, say).run(),
        print: describeDemo,
        next: report => ['classify', report.run, report.images],
        stopped: () =>
          `What was finished stands in ${folder}: go on with the single commands, or start anew in another folder.`,
      });
    });
}

interface DemoOptions {
  data?: string;
  out?: string;
  cells?: number;
  epochs?: number;
  seed?: number;
}

/** Where a demo left everything. */
interface DemoReport {
  folder: string;
  cells: number;
  images: string;
  dataset: string;
  run: string;
  model: string;
  evaluation: string;
  audit: string;
  /** The HTML file. */
  report: string;
  splitBy: 'cell' | 'group' | 'imported';
  /** Accuracy on the test part. */
  testAccuracy: number | null;
  seconds: number;
  steps: { name: string; seconds: number }[];
}

/** Enough to show what an audit finds, in half a minute or so. */
const auditedCells = 1000;

/** An earlier demo is never touched: the folder is new each time. */
function nextFreeFolder(name: string): string {
  for (let number = 1; ; number++) {
    const folder = number === 1 ? name : `${name}-${number}`;
    if (!existsSync(folder)) return folder;
  }
}

/** The steps of a demo, which share where things are. */
class Demo {
  readonly #folder: string;
  readonly #options: DemoOptions;
  readonly #job: Job;
  readonly #say: (text: string) => void;
  readonly #steps: DemoReport['steps'] = [];

  constructor(folder: string, options: DemoOptions, job: Job, say: (text: string) => void) {
    this.#folder = folder;
    this.#options = options;
    this.#job = job;
    this.#say = say;
  }

  async run(): Promise<DemoReport> {
    const { data, seed = 1 } = this.#options;
    await this.#createFolder();
    const images = data ?? (await this.#simulate(seed));
    const dataset = join(this.#folder, 'cells');
    const { cells } = await this.#import(images, dataset);
    await this.#screen(dataset);
    const { by, trainingCells } = await this.#split(dataset, seed);
    const trained = await this.#train(dataset, trainingCells, seed);
    const evaluated = await this.#evaluate(trained.run);
    const test = evaluated.parts.find(({ part }) => part === 'test');
    const audited = await this.#audit(dataset, trained.run, seed);
    const reported = await this.#report(trained.run);
    return {
      ...{ folder: this.#folder, cells, images, dataset, run: trained.run, model: trained.model },
      ...{ evaluation: evaluated.out, audit: audited.out, report: reported.out },
      splitBy: by,
      testAccuracy: test?.scores.accuracy ?? null,
      seconds: this.#steps.reduce((sum, step) => sum + step.seconds, 0),
      steps: this.#steps,
    };
  }

  async #createFolder(): Promise<void> {
    if (existsSync(this.#folder)) {
      throw new BrightcellError(
        'option-invalid',
        `--out must name a folder that does not exist yet. Received ${this.#folder}. Choose another name, or delete it.`,
      );
    }
    if (this.#options.data !== undefined && !existsSync(this.#options.data)) {
      throw new BrightcellError(
        'option-invalid',
        `--data must name what exists. Received ${this.#options.data}.`,
      );
    }
    await mkdir(this.#folder, { recursive: true });
  }

  async #simulate(seed: number): Promise<string> {
    const { simulate } = await import('../simulate/simulate.ts');
    const images = join(this.#folder, 'images');
    const cells = this.#options.cells ?? 6000;
    // Many sessions, so that those held out are like some of those learnt from.
    const sessions = Math.min(1000, Math.max(12, Math.round(cells / 150)));
    const options = { cells, sessions, seed, images: true };
    await this.#step('Simulate', () => simulate(images, options, this.#job), printSimulation);
    return images;
  }

  async #import(images: string, dataset: string) {
    const { importImages } = await import('../import/importImages.ts');
    return this.#step('Import', () => importImages(images, dataset, {}, this.#job), printImport);
  }

  async #screen(dataset: string) {
    const { screen } = await import('../screen/screen.ts');
    return this.#step('Screen', () => screen(dataset, {}, this.#job), printScreening);
  }

  /** The split that the images came with; else by group where there are enough; else by cell. */
  async #split(dataset: string, seed: number) {
    const { split } = await import('../dataset/split.ts');
    const groups = await countGroups(dataset);
    const report = await this.#step(
      'Split',
      async () => {
        const drawn = await split(dataset, { seed }, this.#job);
        return drawn.by === 'cell' && groups >= 3 ? split(dataset, { seed, by: 'group' }, this.#job) : drawn;
      },
      printSplit,
    );
    this.#say(explainSplit(report.by, groups));
    return { by: report.by, trainingCells: report.splits[0]!.cells };
  }

  async #train(dataset: string, cells: number, seed: number) {
    const { train } = await import('../methods/train.ts');
    const epochs = this.#options.epochs ?? epochsFor(cells);
    const options = { out: join(this.#folder, 'runs'), name: 'demo', epochs, seed };
    return this.#step('Train', () => train(dataset, options, this.#job), printTraining);
  }

  async #evaluate(run: string) {
    const { evaluate } = await import('../study/evaluateRun.ts');
    return this.#step('Evaluate', () => evaluate(run, {}, this.#job), printEvaluation);
  }

  async #audit(dataset: string, run: string, seed: number) {
    const { audit } = await import('../audit/audit.ts');
    const options = { cells: auditedCells, seed };
    return this.#step('Audit', () => audit(dataset, run, options, this.#job), printAudit);
  }

  async #report(run: string) {
    const { report } = await import('../report/report.ts');
    return this.#step('Report', () => report([run], {}, this.#job), printReport);
  }

  async #step<T>(
    name: string,
    work: () => Promise<T>,
    print: (result: T) => string | Promise<string>,
  ): Promise<T> {
    const started = performance.now();
    const count = this.#options.data === undefined ? 8 : 7;
    this.#say(`── ${this.#steps.length + 1} of ${count}: ${name} ${'─'.repeat(60 - name.length)}`);
    const result = await work();
    this.#steps.push({ name, seconds: (performance.now() - started) / 1000 });
    this.#say(`${await print(result)}\n`);
    return result;
  }
}

async function countGroups(path: string): Promise<number> {
  const { Dataset } = await import('../dataset/dataset.ts');
  const dataset = await Dataset.open(path, 'read');
  try {
    const table = await dataset.cells();
    return new Set(table.group.filter(group => group !== null)).size;
  } finally {
    await dataset.close();
  }
}

function explainSplit(by: DemoReport['splitBy'], groups: number): string {
  if (by === 'imported') return 'The images came with a split of their own, which was kept.\n';
  if (by === 'group') {
    return `The cells are of ${groups} groups, so whole groups were kept apart: the figures say how the next one will do.\n`;
  }
  return groups > 1
    ? `The cells are of ${groups} groups, too few to keep apart (3 are needed): expect less on the next group.\n`
    : 'The cells name no groups (runs, donors, days), so they were drawn at random: expect less on a new run or donor.\n';
}

/** About 70,000 images in all, which two cores of 2020 train on in a minute or two; at least 3 epochs, at most 40. */
function epochsFor(trainingCells: number): number {
  return Math.max(3, Math.min(40, Math.round(70_000 / Math.max(1, trainingCells))));
}

function describeDemo(report: DemoReport): string {
  const { folder, cells, images, dataset, run, model, evaluation, audit, seconds } = report;
  const places: [string, string][] = [
    [images, 'the images'],
    [dataset, 'the data set: NumPy arrays, and a catalogue of the cells in DuckDB'],
    [run, 'the run: settings, epochs, provenance'],
    [model, 'the model, ready to classify'],
    [evaluation, 'scores, confusion matrices, predictions'],
    [audit, 'shortcuts, sessions, copies, labels, stability: what to know before believing'],
    [report.report, 'all of it as a page, for a browser'],
  ];
  const width = Math.max(...places.map(([path]) => path.length));
  return [
    ...(cells < 300
      ? [`${countOf(cells, 'cell')} are too few to mean anything: these figures only show the way.\n`]
      : []),
    `Done in ${formatDuration(seconds)}. Everything is in ${folder}:`,
    ...places.map(([path, words]) => `  ${path.padEnd(width)}  ${words}`),
  ].join('\n');
}
