// The processes that are compared. Each does one piece of work when asked, so that they can take turns.
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import type { NetworkSpec } from '../../src/engine/networkSpec.ts';

export const root = fileURLToPath(new URL('../..', import.meta.url));

export type Tool = 'brightcell' | 'pytorch' | 'onnxRuntime';

export interface Request {
  do: 'train' | 'forward' | 'each';
  setting: string;
  batch: number;
  repeat: number;
  threads: number;
}

/** Seconds of all repeats together, on the clock and of all processors; with "each", of every single run. */
export interface Answer {
  seconds: number;
  cpuSeconds: number;
  each: number[];
  /** The setting does not work here, and why. */
  error?: string;
}

/** What each tool is tried in. The words of PyTorch's are explained in bench/peers/speed.py. */
export const settings: Record<Tool, Record<'train' | 'forward', string[]>> = {
  brightcell: { train: ['float32', 'bfloat16'], forward: ['float32', 'bfloat16'] },
  pytorch: {
    // Its compiler is slower than no compiler at training these networks: 0.5 of bfloat16 channels_last (cellnet,
    // batch 256). Weights in bfloat16 are left out of training: steps smaller than their last bit are lost.
    train: ['float32', 'float32 channels_last', 'bfloat16', 'bfloat16 channels_last', 'math channels_last'],
    forward: [
      'float32',
      'float32 channels_last',
      'bfloat16',
      'bfloat16 channels_last',
      'weights bfloat16 channels_last',
      'math channels_last',
      'bfloat16 channels_last compiled',
    ],
  },
  onnxRuntime: { train: [], forward: ['float32', 'int8'] },
};

export class Side {
  readonly tool: Tool;
  readonly #child: ChildProcess;
  readonly #answers: AsyncIterator<string>;

  constructor(tool: Tool, command: string, args: string[]) {
    this.tool = tool;
    this.#child = spawn(command, args, { cwd: root, stdio: ['pipe', 'pipe', 'inherit'] });
    this.#answers = createInterface({ input: this.#child.stdout! })[Symbol.asyncIterator]();
  }

  /** From now on; what was made for the network before is forgotten. */
  async use(spec: NetworkSpec): Promise<{ version?: string }> {
    return this.#ask({ do: 'network', spec });
  }

  async do(request: Request): Promise<Answer> {
    return this.#ask(request);
  }

  /** Ends the process; gives the most memory that it ever held. */
  async end(): Promise<number> {
    const { peakBytes } = await this.#ask({ do: 'end' });
    this.#child.stdin!.end();
    return peakBytes;
  }

  // biome-ignore lint/suspicious/noExplicitAny: each caller types the answer it asked for.
  async #ask(request: object): Promise<any> {
    this.#child.stdin!.write(`${JSON.stringify(request)}\n`);
    const { value, done } = await this.#answers.next();
    if (done) throw new Error(`A side of the benchmark ended early (${this.#child.spawnargs.join(' ')}).`);
    return JSON.parse(value);
  }
}

export function startOurs(): Side {
  return new Side('brightcell', process.execPath, ['bench/speed/ours.mjs']);
}

/** Every side that this machine has. */
export function startSides(): Side[] {
  const sides = [startOurs(), new Side('onnxRuntime', process.execPath, ['bench/speed/onnxRuntime.mjs'])];
  const python = findPython();
  if (python) sides.push(new Side('pytorch', python, ['bench/peers/speed.py']));
  return sides;
}

/** A Python that has PyTorch: BRIGHTCELL_PYTHON, or that of bench/peers/setup.sh. */
function findPython(): string | undefined {
  const candidates = [process.env.BRIGHTCELL_PYTHON, `${root}bench/peers/venv/bin/python`];
  return candidates.find(
    path => path && existsSync(path) && spawnSync(path, ['-c', 'import torch']).status === 0,
  );
}
