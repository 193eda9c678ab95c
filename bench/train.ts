// npm run bench [-- --batch 1300 --rounds 5 --threads 2 --json]: training and forward of cellnet in float32, ours and
// PyTorch's in turns in the same run. Prints medians, their ratio and the peak memory of either process.
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';

const root = fileURLToPath(new URL('..', import.meta.url));
const { values } = parseArgs({
  options: {
    batch: { type: 'string', default: '1300' },
    rounds: { type: 'string', default: '5' },
    threads: { type: 'string', default: String(availableParallelism()) },
    json: { type: 'boolean', default: false },
  },
});
const batch = wholeNumber('batch', values.batch);
const rounds = wholeNumber('rounds', values.rounds);
const threads = wholeNumber('threads', values.threads);

/** One side of the comparison: a process that does one piece of work a line. */
class Side {
  readonly seconds: Record<string, number[]> = { train: [], forward: [] };
  readonly #child: ChildProcess;
  readonly #answers: AsyncIterator<string>;

  constructor(command: string, args: string[]) {
    this.#child = spawn(command, args, { cwd: root, stdio: ['pipe', 'pipe', 'inherit'] });
    this.#answers = createInterface({ input: this.#child.stdout! })[Symbol.asyncIterator]();
  }

  async answer(): Promise<Record<string, number>> {
    const { value, done } = await this.#answers.next();
    if (done) throw new Error(`A side of the benchmark ended early (${this.#child.spawnargs.join(' ')}).`);
    return JSON.parse(value);
  }

  end(): void {
    this.#child.stdin!.end();
  }

  ask(line: string): Promise<Record<string, number>> {
    this.#child.stdin!.write(`${line}\n`);
    return this.answer();
  }
}

const ours = new Side(process.execPath, [
  'scripts/runTypeScript.mjs',
  'bench/speed/worker.ts',
  `${batch}`,
  `${threads}`,
]);
const python = findPython();
const theirs = python
  ? new Side(python, ['bench/peers/speed.py', `${batch}`, `${threads}`, 'channels_last'])
  : undefined;
const version = await theirs?.answer();
const sides = theirs ? [ours, theirs] : [ours];

for (const kind of ['train', 'forward'] as const) {
  for (const side of sides) await side.ask(kind); // warm up
  for (let round = 0; round < rounds; round++)
    for (const side of sides) side.seconds[kind]!.push((await side.ask(kind)).seconds!);
}
const report = {
  network: 'cellnet, float32',
  batch,
  threads,
  rounds,
  ours: await summarise(ours),
  pytorch: theirs && { version: version!.version, setting: 'channels_last', ...(await summarise(theirs)) },
};
if (values.json) process.stdout.write(`${JSON.stringify(report)}\n`);
else print();

async function summarise(side: Side) {
  const { peakBytes } = await side.ask('end');
  side.end();
  const rate = (kind: string) => batch / median(side.seconds[kind]!);
  return { trainImagesPerSecond: rate('train'), forwardImagesPerSecond: rate('forward'), peakBytes };
}

function print() {
  const line = (name: string, side: { [key: string]: unknown }) =>
    console.log(
      `${name.padEnd(28)}${(side.trainImagesPerSecond as number).toFixed(0).padStart(8)}` +
        `${(side.forwardImagesPerSecond as number).toFixed(0).padStart(10)}` +
        `${((side.peakBytes as number) / 2 ** 30).toFixed(2).padStart(10)}`,
    );
  console.log(`cellnet, float32, batch ${batch}, ${threads} threads, median of ${rounds} alternating rounds`);
  console.log(
    `${''.padEnd(28)}${'train/s'.padStart(8)}${'forward/s'.padStart(10)}${'peak GiB'.padStart(10)}`,
  );
  line('brightcell', report.ours);
  if (!report.pytorch) {
    console.log('PyTorch is missing, so there is nothing to compare with: run bench/peers/setup.sh,');
    console.log('or name a Python that has it in BRIGHTCELL_PYTHON.');
    return;
  }
  line(`PyTorch ${report.pytorch.version} channels_last`, report.pytorch);
  const ratio = (kind: 'trainImagesPerSecond' | 'forwardImagesPerSecond') =>
    `${(report.ours[kind] / report.pytorch![kind]).toFixed(2)}x`;
  console.log(
    `${'ratio'.padEnd(28)}${ratio('trainImagesPerSecond').padStart(8)}${ratio('forwardImagesPerSecond').padStart(10)}`,
  );
}

function median(numbers: number[]): number {
  const sorted = [...numbers].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2;
}

function findPython(): string | undefined {
  const candidates = [process.env.BRIGHTCELL_PYTHON, `${root}bench/peers/venv/bin/python`];
  return candidates.find(
    path => path && existsSync(path) && spawnSync(path, ['-c', 'import torch']).status === 0,
  );
}

function wholeNumber(name: string, text: string): number {
  const value = Number(text);
  if (Number.isInteger(value) && value >= 1) return value;
  console.error(`--${name} must be a whole number of at least 1. Received ${text}.`);
  process.exit(2);
}
