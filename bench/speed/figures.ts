// What has a bound of its own: the latency of one image and the peak memory of training.

import { percentile } from '../numbers.ts';
import type { FigureClaim } from './claims.ts';
import { networks } from './networks.ts';
import { type Side, settings, startOurs, type Tool } from './sides.ts';

const imagesOfARound = 300;

export interface Latency {
  tool: Tool;
  setting: string;
  medianMs: number;
  percentile99Ms: number;
}

/** One image at a time on one thread, all sides in turns; the peers in the settings that may be fastest there. */
export async function measureLatency(sides: Side[], { network }: FigureClaim, rounds: number) {
  const tried: Record<Tool, string[]> = {
    brightcell: settings.brightcell.forward,
    pytorch: ['float32', 'bfloat16'],
    onnxRuntime: ['float32'],
  };
  const entries = sides.flatMap(side =>
    tried[side.tool].map(setting => ({ side, setting, ms: [] as number[] })),
  );
  for (const side of sides) await side.use(networks[network]);
  for (let round = -1; round < rounds; round++) {
    for (const { side, setting, ms } of entries) {
      const request = { do: 'each', setting, batch: 1, repeat: imagesOfARound, threads: 1 } as const;
      const { each, error } = await side.do(request);
      if (round >= 0 && !error) ms.push(...each.map(seconds => seconds * 1000));
    }
  }
  return entries
    .filter(({ ms }) => ms.length > 0)
    .map(
      ({ side, setting, ms }): Latency => ({
        tool: side.tool,
        setting,
        medianMs: percentile(ms, 0.5),
        percentile99Ms: percentile(ms, 0.99),
      }),
    );
}

/** The most memory that a fresh process of ours held, MB, images included, after two steps at batch 1300. */
export async function measureMemory(
  { network }: FigureClaim,
  threads: number,
): Promise<{ setting: string; megabytes: number }[]> {
  const found = [];
  for (const setting of settings.brightcell.train) {
    const ours = startOurs();
    await ours.use(networks[network]);
    const { error } = await ours.do({ do: 'train', setting, batch: 1300, repeat: 2, threads });
    const megabytes = (await ours.end()) / 1e6;
    if (!error) found.push({ setting, megabytes });
  }
  return found;
}
