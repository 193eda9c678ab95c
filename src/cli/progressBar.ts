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

/**
 * One line of progress: `importing ████░░░░ 41 %  1,230 of 3,000 images  812/s  2 s left  loss 0.41`. Where the
 * terminal is too narrow for all of it, the count and then the bar are left out.
 */
export function progressLine(state: BarState, columns: number): string {
  const count = describeCount(state);
  const live = describeRate(state);
  const fraction = state.total ? Math.min(1, state.done / state.total) : undefined;
  const percent = fraction === undefined ? '' : ` ${Math.floor(fraction * 100)} %`;
  const without = (parts: string[]) => `${state.stage}${percent}  ${parts.join('  ')}`;
  const candidates = [[count, ...live], live].filter(parts => parts.length > 0).map(without);
  const line =
    candidates.find(one => one.length < columns) ?? candidates.at(-1)!.slice(0, Math.max(0, columns - 1));
  const room = columns - line.length - 2;
  if (fraction === undefined || room < 6) return line;
  return `${state.stage} ${drawBar(fraction, Math.min(24, room))}${line.slice(state.stage.length)}`;
}

function describeCount({ done, total, unit }: BarState): string {
  return total === undefined
    ? `${formatCount(done)} ${unit}`
    : `${formatCount(done)} of ${formatCount(total)} ${unit}`;
}

function describeRate({ rate, done, total, note }: BarState): string[] {
  const parts: string[] = [];
  if (rate > 0) parts.push(`${formatCount(rate < 10 ? Number(rate.toPrecision(2)) : Math.round(rate))}/s`);
  if (rate > 0 && total !== undefined) parts.push(`${formatDuration(Math.max(0, total - done) / rate)} left`);
  if (note) parts.push(note);
  return parts;
}

function drawBar(fraction: number, width: number): string {
  const filled = Math.round(fraction * width);
  return '█'.repeat(filled) + '░'.repeat(width - filled);
}
