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
  readonly #command: [string, string[]];
  #process: { child: ChildProcess; answers: AsyncIterator<string> };
  #spec?: NetworkSpec;

  constructor(tool: Tool, command: string, args: string[]) {
    this.tool = tool;
    this.#command = [command, args];
    this.#process = start(command, args);
  }

  /** From now on; what was made for the network before is forgotten, and its memory given back. */
  async use(spec: NetworkSpec): Promise<{ version?: string }> {
    this.#spec = spec;
    const answer = await this.#ask({ do: 'network', spec });
    if (answer) return answer as { version?: string };
    throw new Error(`A side of the benchmark ended early (${this.#command.flat().join(' ')}).`);
  }

  /** A process that ends over it, for want of memory, is an error of the setting; another takes its place. */
  async do(request: Request): Promise<Answer> {
    const answer = await this.#ask(request);
    if (answer) return answer as Answer;
    this.#process = start(...this.#command);
    await this.use(this.#spec!);
    return { seconds: Number.NaN, cpuSeconds: Number.NaN, each: [], error: 'the process ended early' };
  }

  /** Ends the process; gives the most memory that it ever held. */
  async end(): Promise<number> {
    const answer = (await this.#ask({ do: 'end' })) as { peakBytes: number };
    this.#process.child.stdin!.end();
    return answer.peakBytes;
  }

  /** Undefined where the process has ended. */
  async #ask(request: object): Promise<unknown> {
    const { child, answers } = this.#process;
    child.stdin!.write(`${JSON.stringify(request)}\n`);
    const { value, done } = await answers.next();
    return done ? undefined : JSON.parse(value);
  }
}

function start(command: string, args: string[]) {
  const child = spawn(command, args, { cwd: root, stdio: ['pipe', 'pipe', 'inherit'] });
  child.stdin.on('error', () => {}); // of a process that has ended: its missing answer says so
  return { child, answers: createInterface({ input: child.stdout })[Symbol.asyncIterator]() };
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
