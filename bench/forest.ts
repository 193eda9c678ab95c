// node scripts/runTypeScript.mjs bench/forest.ts [--vectors 20000 --features 100 --trees 500 --rounds 3 --threads 2
// --methods forest,logistic --python /usr/bin/python3 --json]: random forest and logistic regression against
// scikit-learn on the same made-up measurements of four classes, in turns. Times are the median over the rounds.
import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { availableParallelism, tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { createRandom } from '../src/dataset/random.ts';
import { ImageSet } from '../src/engine/imageSet.ts';
import { setThreads } from '../src/engine/threads.ts';
import { forest } from '../src/learners/forest.ts';
import type { Fitted, LabelledVectors } from '../src/learners/learner.ts';
import { logistic } from '../src/learners/logistic.ts';

type Method = 'forest' | 'logistic';

export interface Options {
  /** Training vectors; a fifth as many are classified. */
  vectors: number;
  features: number;
  trees: number;
  rounds: number;
  threads: number;
  methods: Method[];
  python: string;
}

interface Times {
  seconds: number;
  /** Processor time of all threads. */
  cpu: number;
  /** Logistic: mean loss and penalty on the training vectors, and steps taken. */
  objective?: number;
  steps?: number;
}

export interface Answer {
  by: string;
  fit: Times;
  predict: Times;
  accuracy: number;
  loss: number;
}

const [K, C, floor] = [4, 1, 0.001];
/** Largest component of the gradient: ours of the mean objective, scikit-learn's of the sum. */
const tolerance = { ours: 1e-6, scikitLearn: 1e-4 };

/** Measures both sides in turns; every round has a seed of its own. */
export async function compare(options: Options): Promise<Record<string, { ours: Answer[]; peer: Answer[] }>> {
  const folder = await mkdtemp(join(tmpdir(), 'brightcell-forest-bench-'));
  const peer = new Peer(options.python);
  setThreads(options.threads);
  try {
    const training = makeVectors(options.vectors, options.features, 1);
    const test = makeVectors(Math.ceil(options.vectors / 5), options.features, 2);
    const files = {
      training: await writeVectors(folder, 'training', training),
      test: await writeVectors(folder, 'test', test),
    };
    const report: Record<string, { ours: Answer[]; peer: Answer[] }> = {};
    for (const method of options.methods) {
      const answers: { ours: Answer[]; peer: Answer[] } = { ours: [], peer: [] };
      report[method] = answers;
      for (let seed = 0; seed < options.rounds; seed++) {
        answers.ours.push(await runOurs(method, training, test, options, seed));
        const { trees, features, threads } = options;
        const request = {
          ...{ method, trees, features, threads, seed, C, floor },
          type: 'float32',
          ...files,
        };
        answers.peer.push(await peer.ask({ ...request, tolerance: tolerance.scikitLearn }));
      }
    }
    return report;
  } finally {
    peer.end();
    await rm(folder, { recursive: true });
  }
}

interface Made extends LabelledVectors {
  numbers: Float32Array;
}

/**
 * Measurements as of cells: correlated, partly skewed, of different scales; the class hangs on a few of them, alone and
 * together, and one in twenty is drawn.
 */
function makeVectors(N: number, D: number, seed: number): Made {
  const random = createRandom(seed);
  const normal = () => Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random());
  const numbers = new Float32Array(N * D);
  const labels = new Int32Array(N);
  for (let n = 0; n < N; n++) {
    const size = normal();
    const x = Float64Array.from({ length: D }, (_, d) => normal() + (d % 3 === 0 ? 0.7 * size : 0));
    const first = x[0]! + x[1 % D]! * x[2 % D]! + 0.5 * x[3 % D]! > 0 ? 2 : 0;
    const second = x[4 % D]! - 0.6 * x[5 % D]! + 0.8 * Math.abs(x[6 % D]!) > 0.6 ? 1 : 0;
    labels[n] = random() < 0.05 ? Math.floor(K * random()) : first + second;
    for (let d = 0; d < D; d++) numbers[n * D + d] = (d % 4 === 3 ? Math.exp(x[d]!) : x[d]!) * 10 ** (d % 5);
  }
  const set = ImageSet.from(numbers, { channels: 1, height: 1, width: D });
  return { set, numbers, labels, rows: Int32Array.from(labels.keys()), classes: K };
}

async function writeVectors(folder: string, name: string, { numbers, labels }: Made) {
  const files = { numbers: join(folder, `${name}.float32`), labels: join(folder, `${name}.int32`) };
  await writeFile(files.numbers, numbers);
  await writeFile(files.labels, labels);
  return files;
}

async function runOurs(
  method: Method,
  training: Made,
  test: Made,
  options: Options,
  seed: number,
): Promise<Answer> {
  let fitted: Fitted | undefined;
  const fit = await measure(async () => {
    fitted =
      method === 'forest'
        ? await forest.fit(training, null, forest.settings({ trees: options.trees, seed }))
        : await logistic.fit(training, null, logistic.settings({ C, tolerance: tolerance.ours }));
  });
  if (method === 'logistic') {
    fit.objective = fitted!.facts.trainingLoss as number;
    fit.steps = fitted!.facts.stepsTaken as number;
  }
  let probabilities = new Float32Array(0);
  const predict = await measure(async () => {
    probabilities = (await fitted!.predict(test)) as Float32Array<ArrayBuffer>;
  });
  fitted!.dispose();
  return { by: 'brightcell', fit, predict, ...scoreOf(probabilities, test.labels) };
}

async function measure(work: () => Promise<void>): Promise<Times> {
  const [start, before] = [performance.now(), process.cpuUsage()];
  await work();
  const { user, system } = process.cpuUsage(before);
  return { seconds: (performance.now() - start) / 1000, cpu: (user + system) / 1e6 };
}

function scoreOf(probabilities: Float32Array, labels: Int32Array): { accuracy: number; loss: number } {
  let right = 0;
  let loss = 0;
  labels.forEach((label, i) => {
    const own = probabilities.subarray(i * K, (i + 1) * K);
    if (own.indexOf(Math.max(...own)) === label) right++;
    loss -= Math.log(Math.max(own[label]!, floor));
  });
  return { accuracy: right / labels.length, loss: loss / labels.length };
}

/** scikit-learn in a process of its own, which answers one request after another. */
class Peer {
  readonly #process: ChildProcessWithoutNullStreams;
  readonly #lines: AsyncIterator<string>;

  constructor(python: string) {
    this.#process = spawn(python, [fileURLToPath(new URL('peers/plain_methods.py', import.meta.url))]);
    this.#process.stderr.pipe(process.stderr);
    this.#lines = createInterface(this.#process.stdout)[Symbol.asyncIterator]();
  }

  async ask(request: object): Promise<Answer> {
    this.#process.stdin.write(`${JSON.stringify(request)}\n`);
    const { value, done } = await this.#lines.next();
    if (done) throw new Error('scikit-learn ended without an answer: is it installed for this Python?');
    return JSON.parse(value);
  }

  end(): void {
    this.#process.stdin.end();
  }
}

function median(numbers: number[]): number {
  const sorted = numbers.toSorted((a, b) => a - b);
  return (sorted[(sorted.length - 1) >> 1]! + sorted[sorted.length >> 1]!) / 2;
}

function print(report: Awaited<ReturnType<typeof compare>>, options: Options): void {
  const { vectors, features, trees, rounds, threads } = options;
  console.log(
    `${vectors} vectors of ${features} numbers, ${K} classes, ${trees} trees, C ${C}, ${threads} threads, ` +
      `median of ${rounds} alternating rounds`,
  );
  for (const [method, { ours, peer }] of Object.entries(report)) {
    console.log(
      `\n${method.padEnd(34)}${'brightcell'.padStart(12)}${peer[0]!.by.padStart(20)}${'ratio'.padStart(8)}`,
    );
    const row = (name: string, read: (answer: Answer) => number | undefined, ratio: boolean) => {
      if (read(ours[0]!) === undefined) return;
      const [own, other] = [ours, peer].map(side => median(side.map(answer => read(answer)!)));
      const quotient = ratio ? (other! / own!).toFixed(1) : '';
      console.log(
        `${name.padEnd(34)}${own!.toPrecision(5).padStart(12)}${other!.toPrecision(5).padStart(20)}${quotient.padStart(8)}`,
      );
    };
    row('fit, seconds', answer => answer.fit.seconds, true);
    row('fit, processor seconds', answer => answer.fit.cpu, true);
    row(`classify ${Math.ceil(vectors / 5)}, seconds`, answer => answer.predict.seconds, true);
    row(`classify ${Math.ceil(vectors / 5)}, processor seconds`, answer => answer.predict.cpu, true);
    row('accuracy on unseen vectors', answer => answer.accuracy, false);
    row('loss on unseen vectors', answer => answer.loss, false);
    row('training loss and penalty', answer => answer.fit.objective, false);
    row('steps', answer => answer.fit.steps, false);
  }
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const { values } = parseArgs({
    options: {
      vectors: { type: 'string', default: '20000' },
      features: { type: 'string', default: '100' },
      trees: { type: 'string', default: '500' },
      rounds: { type: 'string', default: '3' },
      threads: { type: 'string', default: String(availableParallelism()) },
      methods: { type: 'string', default: 'forest,logistic' },
      python: { type: 'string', default: '/usr/bin/python3' },
      json: { type: 'boolean', default: false },
    },
  });
  const { vectors, features, trees, rounds, threads, python } = values;
  const options: Options = {
    ...{ vectors: Number(vectors), features: Number(features), trees: Number(trees) },
    ...{ rounds: Number(rounds), threads: Number(threads), python },
    methods: values.methods.split(',') as Method[],
  };
  const report = await compare(options);
  if (values.json) process.stdout.write(`${JSON.stringify({ options, report })}\n`);
  else print(report, options);
}
