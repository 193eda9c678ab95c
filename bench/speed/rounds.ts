// One piece of work (network, train or forward, batch) by every side in every setting, in turns.
import { setTimeout as sleep } from 'node:timers/promises';
import { median, restMs } from '../numbers.ts';
import type { NetworkName } from './networks.ts';
import { networks } from './networks.ts';
import { type Side, settings, type Tool } from './sides.ts';

export interface Plan {
  rounds: number;
  /** Seconds that one measurement lasts at least. */
  seconds: number;
  threads: number;
  /** Of the data set that whole commands go through, once. */
  cells: number;
  /** Settings left out. */
  without: string[];
}

export interface Work {
  network: NetworkName;
  work: 'train' | 'forward';
  batch: number;
  /** Settings measured to the end however slow they are: a claim names them. */
  needed: Set<string>;
}

/** What one side reached in one setting. */
export interface Reached extends Omit<Work, 'needed'> {
  tool: Tool;
  setting: string;
  /** Median over the rounds; on the clock, and by the processors' time as if all threads had always run. */
  imagesPerSecond: number;
  imagesPerCpuSecond: number;
  /** Images a second of every round. One only where the setting was clearly slower than another of its tool. */
  rounds: number[];
  error?: string;
}

/** What is this much slower than the best of its tool is not measured again, nor at larger batches. */
const hopeless = 1.5;

/** `dropped` remembers settings found hopeless, over calls; made for `${tool} ${setting}` of this network and work. */
export async function measureWork(
  sides: Side[],
  { needed, ...work }: Work,
  plan: Plan,
  dropped: Set<string>,
): Promise<Reached[]> {
  const entries: Entry[] = [];
  for (const side of sides) {
    for (const setting of settings[side.tool][work.work]) {
      const mustStay = needed.has(setting) || side.tool === 'brightcell';
      if (!mustStay && (plan.without.some(word => setting.includes(word)) || dropped.has(key(side, setting))))
        continue;
      entries.push(await warmUp(new Entry(side, setting, mustStay, work, plan)));
    }
  }
  for (const entry of entries) {
    const best = Math.max(...entries.filter(one => one.side === entry.side).map(one => one.first));
    entry.keep = !entry.error && (entry.mustStay || entry.first * hopeless >= best);
    if (!entry.keep) dropped.add(key(entry.side, entry.setting));
  }
  for (let round = 0; round < plan.rounds; round++)
    for (const entry of entries) if (entry.keep) await entry.measure();
  return entries.map(entry => entry.reached());
}

function key(side: Side, setting: string): string {
  return `${side.tool} ${setting}`;
}

async function warmUp(entry: Entry): Promise<Entry> {
  await entry.run(1);
  if (!entry.error) await entry.settle();
  return entry;
}

class Entry {
  /** Images a second of the first run after the warm up. */
  first = 0;
  keep = true;
  error: string | undefined;
  readonly side: Side;
  readonly setting: string;
  readonly mustStay: boolean;
  readonly #work: Omit<Work, 'needed'>;
  readonly #plan: Plan;
  readonly #rates: { clock: number; cpu: number }[] = [];
  #repeat = 1;

  constructor(side: Side, setting: string, mustStay: boolean, work: Omit<Work, 'needed'>, plan: Plan) {
    [this.side, this.setting, this.mustStay, this.#work, this.#plan] = [side, setting, mustStay, work, plan];
  }

  async run(repeat: number) {
    const { work, batch } = this.#work;
    const { threads } = this.#plan;
    const answer = await this.side.do({ do: work, setting: this.setting, batch, repeat, threads });
    this.error ??= answer.error;
    const images = batch * repeat;
    return { clock: images / answer.seconds, cpu: (images * threads) / answer.cpuSeconds };
  }

  /** Finds how often to repeat from one run more. */
  async settle(): Promise<void> {
    const { clock } = await this.run(1);
    this.first = clock;
    this.#repeat = Math.max(1, Math.ceil((this.#plan.seconds * clock) / this.#work.batch));
  }

  async measure(): Promise<void> {
    await sleep(restMs);
    this.#rates.push(await this.run(this.#repeat));
  }

  reached(): Reached {
    const { tool } = this.side;
    const rates = this.#rates.length > 0 ? this.#rates : [{ clock: this.first, cpu: this.first }];
    return {
      ...this.#work,
      tool,
      setting: this.setting,
      imagesPerSecond: median(rates.map(rate => rate.clock)),
      imagesPerCpuSecond: median(rates.map(rate => rate.cpu)),
      rounds: rates.map(rate => rate.clock),
      error: this.error,
    };
  }
}

/** Gives a network to all sides, anew for each piece of work: what a tool kept of the one before is memory that others need. */
export async function useNetwork(sides: Side[], name: NetworkName): Promise<void> {
  for (const side of sides) await side.use(networks[name]);
}
