// npm run bench:end-to-end [-- --cells 100000 --rounds 3 --batch 64 --threads 2 --json]: how much of the bare engine's
// speed is left in `brightcell train` (one epoch, the default recipe with all its augmentation, validation and
// checkpoints) and in `brightcell classify`, whole commands from a data set on disk, in turns with the bare engine: by the
// clock, and by processor time, which also means something while others use the machine.
import { execFile } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { availableParallelism, tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs, promisify } from 'node:util';
import { Dataset } from '../src/dataset/dataset.ts';
import type { SplitName } from '../src/dataset/format.ts';
import { ImageSet } from '../src/engine/imageSet.ts';
import { Network } from '../src/engine/network.ts';
import { qualityFeatures } from '../src/engine/prepare.ts';
import { setThreads } from '../src/engine/threads.ts';
import { simulate } from '../src/simulate/simulate.ts';
import { selectCells } from '../src/train/cells.ts';
import { median, wholeNumber } from './numbers.ts';
import { networks } from './speed/networks.ts';

export interface EndToEndOptions {
  /** Cells of the data set: 65 % are trained on and 15 % validated with, all are classified. */
  cells?: number;
  /** Times that each side is measured; medians count. */
  rounds?: number;
  /** Images a step, for both sides. */
  batch?: number;
  threads?: number;
}

/** Images a second; `ratio` is command / bare, `processorRatio` the same for images a second of processor time. */
export interface Comparison {
  bare: number;
  command: number;
  ratio: number;
  processorRatio: number;
}

export interface EndToEndReport {
  cells: number;
  rounds: number;
  batch: number;
  threads: number;
  /** The whole command, from start to exit, against the bare steps and forward passes that it holds. */
  train: Comparison;
  /** The training steps alone: what the command itself reports, which is by the clock. */
  steps: Omit<Comparison, 'processorRatio'>;
  classify: Comparison;
}

const run = promisify(execFile);
const program = fileURLToPath(new URL('../dist/cli/main.js', import.meta.url));

/** Measures both commands against the bare engine, in turns; the built program must be there (npm run build). */
export async function endToEnd(options: EndToEndOptions = {}): Promise<EndToEndReport> {
  const { cells = 100_000, rounds = 3, batch = 64, threads = availableParallelism() } = options;
  const folder = await mkdtemp(join(tmpdir(), 'brightcell-end-to-end-'));
  setThreads(threads);
  const bare = new BareEngine(batch);
  try {
    const dataset = join(folder, 'cells');
    const { training, validation } = await makeDataset(dataset, cells);
    const samples: { [kind in 'train' | 'steps' | 'classify']: Sample[] } = {
      train: [],
      steps: [],
      classify: [],
    };
    for (let round = 0; round < rounds; round++) {
      const name = `run-${round}`;
      const args = [
        'train',
        dataset,
        '--out',
        folder,
        '--name',
        name,
        '--epochs',
        '1',
        '--batch-size',
        `${batch}`,
      ];
      const before = await bare.rates();
      const train = await command([...args, '--threads', `${threads}`]);
      const between = await bare.rates();
      const classify = await command([
        ...['classify', join(folder, name), dataset],
        ...['--out', join(folder, 'predictions.csv'), '--threads', `${threads}`],
      ]);
      const after = await bare.rates();
      const classified = classify.report.classified as number;
      samples.train.push(
        sample(training, train, kind => training / before[kind].step + validation / before[kind].forward),
        sample(training, train, kind => training / between[kind].step + validation / between[kind].forward),
      );
      samples.classify.push(
        sample(classified, classify, kind => classified / between[kind].forward),
        sample(classified, classify, kind => classified / after[kind].forward),
      );
      const steps = train.report.imagesPerSecond as number;
      for (const { clock } of [before, between]) samples.steps.push({ bare: clock.step, command: steps });
    }
    const { train, steps, classify } = samples;
    return {
      ...{ cells, rounds, batch, threads },
      ...{ train: compare(train), steps: withoutProcessor(compare(steps)), classify: compare(classify) },
    };
  } finally {
    bare.dispose();
    await rm(folder, { recursive: true, force: true });
  }
}

/** Images a second of the clock, and command / bare of images a second of processor time. */
interface Sample {
  bare: number;
  command: number;
  processorRatio?: number;
}

/** Time by the clock, and of all processors together. */
type Kind = 'clock' | 'processor';
type ByKind<T> = { [kind in Kind]: T };
type Rates = ByKind<{ step: number; forward: number }>;

/** A command on so many images beside the seconds that the bare engine would take for the same. */
function sample(images: number, took: ByKind<number>, bareSeconds: (kind: Kind) => number): Sample {
  return {
    bare: images / bareSeconds('clock'),
    command: images / took.clock,
    processorRatio: bareSeconds('processor') / took.processor,
  };
}

/** Medians; a ratio is the median of those of neighbours in time. */
function compare(samples: Sample[]): Comparison {
  return {
    bare: median(samples.map(({ bare }) => bare)),
    command: median(samples.map(({ command }) => command)),
    ratio: median(samples.map(({ bare, command }) => command / bare)),
    processorRatio: median(samples.map(({ processorRatio }) => processorRatio ?? Number.NaN)),
  };
}

function withoutProcessor({ bare, command, ratio }: Comparison) {
  return { bare, command, ratio };
}

/** The network with images in memory, as they are: no data set, no augmentation, nothing between the steps. */
class BareEngine {
  readonly #network: Network;
  readonly #images: ImageSet;
  readonly #batch: number;

  constructor(batch: number) {
    const spec = networks.cellnet;
    this.#batch = batch;
    this.#network = new Network(spec, { seed: 1, initialiser: { name: 'heNormal' } });
    const pixels = new Uint8Array(Math.max(batch, forwardImages) * spec.input.height * spec.input.width);
    for (let i = 0; i < pixels.length; i++) pixels[i] = (Math.imul(i + 1, 2654435761) >>> 16) % 256;
    this.#images = ImageSet.from(pixels, spec.input);
  }

  /** Images a second, each over about two seconds after a warm start. */
  async rates(): Promise<Rates> {
    const input = (count: number) => ({
      images: this.#images,
      rows: Int32Array.from({ length: count }, (_, i) => i),
      normalisation: 'standardise' as const,
    });
    const labels = Int32Array.from({ length: this.#batch }, (_, i) => i % 4);
    const step = {
      ...input(this.#batch),
      labels,
      loss: { name: 'crossEntropy' } as const,
      optimiser: { name: 'adamw', weightDecay: 0.05 } as const,
      learningRate: 1e-4,
      clipNorm: 5,
    };
    const steps = await rateOf(this.#batch, () => this.#network.trainStep(step));
    const forward = await rateOf(forwardImages, () => this.#network.predict(input(forwardImages)));
    const of = (kind: Kind) => ({ step: steps[kind], forward: forward[kind] });
    return { clock: of('clock'), processor: of('processor') };
  }

  dispose(): void {
    this.#network.dispose();
    this.#images.close();
  }
}

const forwardImages = 1024;
const leastSeconds = 2;

/** Images a second. */
async function rateOf(images: number, work: () => Promise<unknown>): Promise<ByKind<number>> {
  await work();
  const [start, usage] = [performance.now(), process.cpuUsage()];
  for (let times = 1; ; times++) {
    await work();
    const clock = (performance.now() - start) / 1000;
    if (clock < leastSeconds) continue;
    const { user, system } = process.cpuUsage(usage);
    return { clock: (images * times) / clock, processor: (images * times * 1e6) / (user + system) };
  }
}

/** Has a process say at its end, as the last line of stderr, how many microseconds of processors it used. */
const tellUsage = `data:text/javascript,${encodeURIComponent(
  "process.on('exit', () => { const { user, system } = process.cpuUsage(); console.error(user + system); });",
)}`;

/** Runs a command and gives its report and the seconds that it took. */
async function command(args: string[]): Promise<ByKind<number> & { report: Record<string, unknown> }> {
  const start = performance.now();
  const whole = ['--import', tellUsage, program, ...args, '--json'];
  const { stdout, stderr } = await run(process.execPath, whole, { maxBuffer: 1 << 28 });
  const clock = (performance.now() - start) / 1000;
  return { clock, processor: Number(stderr.trim().split('\n').at(-1)) / 1e6, report: JSON.parse(stdout) };
}

const drawn = 2000;

/**
 * A data set of `cells` images, split. Some thousand are simulated; the others are these with a mark of their own in
 * the first pixels, so that making it takes less time than using it.
 */
async function makeDataset(path: string, cells: number): Promise<{ training: number; validation: number }> {
  await simulate(path, { cells: Math.min(cells, drawn), faults: 0, seed: 1 });
  const dataset = await Dataset.open(path, 'write');
  try {
    const { label } = await dataset.cells();
    const images = dataset.images();
    const originals = Array.from(label, (_, row) => images.read(row) as Uint8Array);
    while (dataset.count < cells) await dataset.append(copies(originals, label, dataset.count, cells));
    const id = Int32Array.from({ length: cells }, (_, i) => i);
    await dataset.writeSplit({ id, split: Array.from(id, partOf) }, { by: 'bench/endToEnd.ts' });
    const count = async (part: SplitName) => (await selectCells(dataset, part)).rows.length;
    return { training: await count('train'), validation: await count('validation') };
  } finally {
    await dataset.close();
  }
}

function copies(originals: Uint8Array[], label: Int32Array, first: number, cells: number) {
  const quality = new Float32Array(qualityFeatures.length);
  return Array.from({ length: Math.min(originals.length, cells - first) }, (_, i) => {
    const pixels = originals[i]!.slice();
    new DataView(pixels.buffer).setUint32(0, first + i);
    const from = { group: null, source: 'copy', frame: first + i, rawHeight: 128, rawWidth: 128 };
    return { ...from, pixels, label: label[i]!, quality };
  });
}

/** 65 % training, 15 % validation, 20 % test, whatever the order of the classes. */
function partOf(id: number): SplitName {
  const share = (Math.imul(id + 1, 2654435761) >>> 0) / 2 ** 32;
  return share < 0.65 ? 'train' : share < 0.8 ? 'validation' : 'test';
}

/** The report as a table for people. */
export function printEndToEnd({ cells, rounds, batch, threads, ...kinds }: EndToEndReport): void {
  console.log(
    `cellnet from a data set of ${cells} cells, batch ${batch}, ${threads} threads, median of ${rounds} alternating rounds`,
  );
  const head = ['bare', 'command', 'ratio', 'processor'].map(name => name.padStart(10)).join('');
  console.log(`${'images/s'.padEnd(28)}${head}`);
  const lines = {
    train: 'brightcell train, 1 epoch',
    steps: '  its steps alone',
    classify: 'brightcell classify',
  } as const;
  for (const [kind, name] of Object.entries(lines)) {
    const { bare, command, ratio, ...more } = kinds[kind as keyof typeof lines];
    const ratios = [ratio, ...('processorRatio' in more ? [more.processorRatio] : [])];
    const numbers = [
      bare.toFixed(0),
      command.toFixed(0),
      ...ratios.map(one => `${(100 * one).toFixed(1)} %`),
    ];
    console.log(`${name.padEnd(28)}${numbers.map(text => text.padStart(10)).join('')}`);
  }
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const { values } = parseArgs({
    options: {
      cells: { type: 'string', default: '100000' },
      rounds: { type: 'string', default: '3' },
      batch: { type: 'string', default: '64' },
      threads: { type: 'string', default: String(availableParallelism()) },
      json: { type: 'boolean', default: false },
    },
  });
  const report = await endToEnd({
    cells: wholeNumber('cells', values.cells),
    rounds: wholeNumber('rounds', values.rounds),
    batch: wholeNumber('batch', values.batch),
    threads: wholeNumber('threads', values.threads),
  });
  if (values.json) process.stdout.write(`${JSON.stringify(report)}\n`);
  else printEndToEnd(report);
}
