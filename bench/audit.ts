// `node scripts/runTypeScript.mjs bench/audit.ts [--seeds 100] [--cells 400] [--side 64] [--sessions 12]
// [--parts shortcut,session] [--only plain|confounded]` (after npm run build): what the audit says of simulated data sets,
// one a seed, as they are and with --confounded: how often it calls them confounded, which parts warn, and how long one
// takes. Nothing may be said against the former but by chance: at most 1 in 20 may be called confounded; the latter must
// be, each one.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { audit } from '../src/audit/audit.ts';
import { simulate } from '../src/simulate/simulate.ts';

const { values } = parseArgs({
  options: {
    seeds: { type: 'string', default: '100' },
    cells: { type: 'string', default: '400' },
    side: { type: 'string', default: '64' },
    sessions: { type: 'string', default: '12' },
    parts: { type: 'string', default: 'shortcut,session' },
    only: { type: 'string' }, // 'plain' or 'confounded'
  },
});
const [seeds, cells, side, sessions] = [values.seeds, values.cells, values.side, values.sessions].map(Number);
const parts = values.parts!.split(',');

for (const confounded of [false, true].filter(
  one => !values.only || (values.only === 'confounded') === one,
)) {
  const called = { confounded: 0, ...Object.fromEntries(parts.map(name => [name, 0])) } as Record<
    string,
    number
  >;
  const backgrounds: number[] = [];
  const started = process.cpuUsage();
  for (let seed = 0; seed < seeds!; seed++) {
    const report = await auditOne(seed, confounded);
    if (report.confounded) called.confounded!++;
    for (const name of parts) if (report.members[name]!.warning) called[name]!++;
    const probes = report.members.shortcut?.findings.probes as {
      probe: string;
      class: { balancedAccuracy: number };
    }[];
    const background = probes?.find(one => one.probe === 'background');
    if (background) backgrounds.push(background.class.balancedAccuracy);
  }
  const { user, system } = process.cpuUsage(started);
  backgrounds.sort((a, b) => a - b);
  const ends = [0, 0.5, 1]
    .map(q => backgrounds[Math.round(q * (backgrounds.length - 1))]?.toFixed(3))
    .join(', ');
  console.log(
    `${confounded ? 'confounded' : 'as they are'}: ${seeds} data sets of ${cells} cells, ${sessions} sessions: called confounded ` +
      `${called.confounded}; parts that warn: ${parts.map(name => `${name} ${called[name]}`).join(', ')}`,
  );
  console.log(
    `  background alone, balanced accuracy: least, median, most ${ends}; processor seconds each ${((user + system) / 1e6 / seeds!).toFixed(1)}`,
  );
}

async function auditOne(seed: number, confounded: boolean) {
  const folder = mkdtempSync(join(tmpdir(), 'brightcell-audit-'));
  try {
    const path = join(folder, 'cells');
    await simulate(path, {
      ...{ cells: cells!, seed, confounded, sessions: sessions! },
      size: [side!, side!],
    });
    return await audit(path, null, { parts, seed });
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
