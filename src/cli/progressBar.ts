import { SingleBar } from 'cli-progress';
import type { Progress } from '../job.ts';
import { formatCount, formatDuration } from './text.ts';

/** What a bar shows at one moment. */
export interface BarState extends Progress {
  /** Units a second, lately. */
  rate: number;
}

const quietMs = 700; // what is over sooner gets no bar
const windowMs = 10_000; // the rate is that of the last ten seconds

/** A line on a terminal with a bar, rate and time left. Shows nothing when the stream is no terminal. */
export class ProgressBar {
  readonly #stream: NodeJS.WriteStream;
  readonly #enabled: boolean;
  #bar: SingleBar | undefined;
  #stage = '';
  #startedAt = 0;
  #marks: { time: number; done: number }[] = [];

  constructor(stream: NodeJS.WriteStream, { enabled = true } = {}) {
    this.#stream = stream;
    this.#enabled = enabled && stream.isTTY === true;
  }

  show(progress: Progress): void {
    if (!this.#enabled) return;
    const now = performance.now();
    if (progress.stage !== this.#stage) this.#startStage(progress.stage, now);
    this.#marks.push({ time: now, done: progress.done });
    while (this.#marks.length > 2 && now - this.#marks[0]!.time > windowMs) this.#marks.shift();
    if (now - this.#startedAt < quietMs) return;
    this.#bar ??= this.#createBar();
    this.#bar.update(progress.done, { state: { ...progress, rate: this.#rate() } });
    this.#bar.render();
  }

  /** Takes the bar away; a later `show` brings it back. */
  clear(): void {
    this.#bar?.stop();
    this.#bar = undefined;
    this.#stage = '';
  }

  #startStage(stage: string, now: number): void {
    this.clear();
    this.#stage = stage;
    this.#startedAt = now;
    this.#marks = [];
  }

  #createBar(): SingleBar {
    const bar = new SingleBar({
      stream: this.#stream,
      hideCursor: true,
      clearOnComplete: true,
      stopOnComplete: false,
      gracefulExit: false, // Ctrl-C is ours
      fps: 10,
      format: (_options, _params, payload: { state?: BarState }) =>
        payload.state ? progressLine(payload.state, this.#stream.columns || 80) : '',
    });
    bar.start(1, 0, {});
    return bar;
  }

  #rate(): number {
    const first = this.#marks[0]!;
    const last = this.#marks.at(-1)!;
    return last.time > first.time ? ((last.done - first.done) * 1000) / (last.time - first.time) : 0;
  }
}

/** One line of progress: `importing ████░░░░ 41 %  1,230 of 3,000 images  812/s  2 s left  loss 0.41`. */
export function progressLine({ stage, done, total, unit, note, rate }: BarState, columns: number): string {
  const amount =
    total === undefined
      ? `${formatCount(done)} ${unit}`
      : `${formatCount(done)} of ${formatCount(total)} ${unit}`;
  const parts = [amount];
  if (rate > 0) parts.push(`${formatCount(rate < 10 ? Number(rate.toPrecision(2)) : Math.round(rate))}/s`);
  if (rate > 0 && total !== undefined) {
    parts.push(`${formatDuration(Math.max(0, total - done) / rate)} left`);
  }
  if (note) parts.push(note);
  const text = parts.join('  ');
  const fraction = total ? Math.min(1, done / total) : undefined;
  const line =
    fraction === undefined
      ? `${stage}  ${text}`
      : `${stage} ${drawBar(fraction, columns - stage.length - text.length - 12)} ${Math.floor(fraction * 100)} %  ${text}`;
  return line.length >= columns ? line.slice(0, columns - 1) : line;
}

function drawBar(fraction: number, room: number): string {
  const width = Math.max(4, Math.min(24, room));
  const filled = Math.round(fraction * width);
  return '█'.repeat(filled) + '░'.repeat(width - filled);
}
