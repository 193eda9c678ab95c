// From what was measured to the rows of the table.
import type { Claim, RatioClaim } from './claims.ts';
import type { Measured } from './measureAll.ts';
import type { Reached, Work } from './rounds.ts';

/** Batches that --quick leaves out where a claim may choose. */
const quickBatch = 256;

export interface Row {
  id: string;
  title: string;
  ours: string;
  peer: string;
  /** Ratio, share, milliseconds or megabytes. */
  value: number | undefined;
  /** By the processors' time instead of the clock: what it would be without other programs. */
  byCpu?: number;
  bound: string;
  reach: number;
  met: boolean | undefined;
}

/** The pieces of work that the claims need, each once, in order of network, work and batch. */
export function needs(claims: Claim[], quick: boolean): Work[] {
  const works = new Map<string, Work>();
  for (const claim of claims) {
    if (claim.kind !== 'ratio') continue;
    const { network, work } = claim;
    for (const batch of batchesOf(claim, quick)) {
      const key = [network, work, String(batch).padStart(5)].join(' ');
      const one = works.get(key) ?? { network, work, batch, needed: new Set<string>() };
      if (claim.setting) one.needed.add(claim.setting);
      works.set(key, one);
    }
  }
  return [...works.entries()].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, work]) => work);
}

function batchesOf({ batches }: RatioClaim, quick: boolean): number[] {
  return quick && batches.length > 1 ? [quickBatch] : batches;
}

export function judge(claims: Claim[], measured: Measured): Row[] {
  return claims.map(claim => ({
    ...judgeOne(claim, measured),
    id: claim.id,
    title: claim.title,
    reach: claim.reach,
  }));
}

type Judged = Omit<Row, 'id' | 'title' | 'reach'>;

function judgeOne(claim: Claim, measured: Measured): Judged {
  switch (claim.kind) {
    case 'ratio':
      return judgeRatio(claim, measured.reached);
    case 'latency': {
      const all = measured.latency[claim.id] ?? [];
      const say = (tools: typeof all) =>
        tools
          .map(one => `${one.medianMs.toFixed(2)}, ${one.percentile99Ms.toFixed(2)} (${one.setting})`)
          .join('; ');
      const fastest = (ours: boolean) =>
        all.filter(one => (one.tool === 'brightcell') === ours).sort((a, b) => a.medianMs - b.medianMs);
      const [ours] = fastest(true);
      const [median = 0, tail = 0] = claim.atMost;
      const [peer] = fastest(false);
      return {
        ours: say(fastest(true).slice(0, 1)),
        peer: peer ? `${say([peer])} ${peer.tool}` : '-',
        value: ours?.medianMs,
        bound: `${median}, ${tail}`,
        met: ours && ours.medianMs <= median && ours.percentile99Ms <= tail,
      };
    }
    case 'memory': {
      const all = measured.memory[claim.id] ?? [];
      const most = Math.max(...all.map(one => one.megabytes));
      return {
        ours: all.map(one => `${one.megabytes.toFixed(0)} ${one.setting}`).join('; '),
        peer: '-',
        value: most,
        bound: `${claim.atMost[0]}`,
        met: most <= claim.atMost[0]!,
      };
    }
    case 'endToEnd': {
      const found = measured.endToEnd?.[claim.work];
      const value = found?.ratio;
      return {
        ours: found ? `${found.command.toFixed(0)}/s` : '-',
        peer: found ? `${found.bare.toFixed(0)}/s the bare engine` : '-',
        value,
        bound: `${claim.atLeast}`,
        met: value === undefined ? undefined : value >= claim.atLeast,
      };
    }
  }
}

function judgeRatio(claim: RatioClaim, reached: Reached[]): Judged {
  const of = reached.filter(
    one => one.network === claim.network && one.work === claim.work && claim.batches.includes(one.batch),
  );
  const ours = best(
    of.filter(one => one.tool === 'brightcell' && (claim.ours === 'any' || one.setting === claim.ours)),
  );
  const peer = best(
    of.filter(
      one => claim.peers.includes(one.tool) && (claim.setting === undefined || one.setting === claim.setting),
    ),
  );
  const ratio = ours && peer && ours.imagesPerSecond / peer.imagesPerSecond;
  return {
    ours: ours ? show(ours) : '-',
    peer: peer ? `${show(peer)}, ${peer.tool}` : 'missing',
    value: ratio,
    byCpu: ours && peer && ours.imagesPerCpuSecond / peer.imagesPerCpuSecond,
    bound: `${claim.atLeast}`,
    met: ratio === undefined ? undefined : ratio >= claim.atLeast,
  };
}

function best(all: Reached[]): Reached | undefined {
  return all
    .filter(one => !one.error)
    .reduce<Reached | undefined>(
      (most, one) => (most && most.imagesPerSecond >= one.imagesPerSecond ? most : one),
      undefined,
    );
}

function show({ imagesPerSecond, setting, batch }: Reached): string {
  return `${imagesPerSecond.toFixed(0)}/s ${setting}, ${batch}`;
}
