import { type EndToEndReport, endToEnd } from '../endToEnd.ts';
import type { Claim } from './claims.ts';
import { type Latency, measureLatency, measureMemory } from './figures.ts';
import { networks } from './networks.ts';
import { measureWork, type Plan, type Reached, useNetwork, type Work } from './rounds.ts';
import type { Side } from './sides.ts';

/** Everything that was measured, by kind; the figures by the claim's id. */
export interface Measured {
  versions: Record<string, string>;
  reached: Reached[];
  latency: Record<string, Latency[]>;
  memory: Record<string, { setting: string; megabytes: number }[]>;
  endToEnd?: EndToEndReport;
}

/** `works` in order of network, work and batch. Says on stderr what it is at. */
export async function measureAll(
  sides: Side[],
  claims: Claim[],
  works: Work[],
  plan: Plan,
): Promise<Measured> {
  const measured: Measured = { versions: {}, reached: [], latency: {}, memory: {} };
  for (const side of sides) {
    const { version } = await side.use(networks.cellnet);
    if (version) measured.versions[side.tool] = version;
  }
  const dropped = new Map<string, Set<string>>();
  const slowOf = (key: string) => dropped.get(key) ?? dropped.set(key, new Set()).get(key)!;
  for (const work of works) {
    await useNetwork(sides, work.network);
    console.error(`${work.work} ${work.network}, batch ${work.batch}`);
    const slow = slowOf(`${work.network} ${work.work}`);
    measured.reached.push(...(await measureWork(sides, work, plan, slow)));
  }
  for (const claim of claims) {
    if (claim.kind === 'latency' || claim.kind === 'memory') console.error(claim.title);
    if (claim.kind === 'latency')
      measured.latency[claim.id] = await measureLatency(sides, claim, plan.rounds);
    if (claim.kind === 'memory') measured.memory[claim.id] = await measureMemory(claim, plan.threads);
  }
  if (claims.some(claim => claim.kind === 'endToEnd')) {
    console.error(`brightcell train and classify, ${plan.cells} cells`);
    measured.endToEnd = await endToEnd({ cells: plan.cells, rounds: 1, threads: plan.threads });
  }
  return measured;
}
