// A process that is compared: one line of JSON asked, one line answered, so that sides take turns.
import { type ChildProcess, spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

export class LineChild {
  readonly #child: ChildProcess;
  readonly #answers: AsyncIterator<string>;

  constructor(command: string, args: string[]) {
    const cwd = fileURLToPath(new URL('..', import.meta.url));
    this.#child = spawn(command, args, { cwd, stdio: ['pipe', 'pipe', 'inherit'] });
    this.#answers = createInterface({ input: this.#child.stdout! })[Symbol.asyncIterator]();
  }

  // biome-ignore lint/suspicious/noExplicitAny: each caller types the answer it asked for.
  async ask(request: object): Promise<any> {
    this.#child.stdin!.write(`${JSON.stringify(request)}\n`);
    const { value, done } = await this.#answers.next();
    if (done) throw new Error(`A side of the benchmark ended early (${this.#child.spawnargs.join(' ')}).`);
    return JSON.parse(value);
  }
}
