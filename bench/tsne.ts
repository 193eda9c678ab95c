// node scripts/runTypeScript.mjs bench/tsne.ts [--sizes 1000,5000,20000 --rounds 3 --threads 2 --methods tsne,umap
// --peer-most 20000 --json]: embeddings of clustered points of 50 numbers against scikit-learn's Barnes-Hut t-SNE and
// umap-learn, in turns on the same points, up to `peer-most` of them; figures are medians. Run `npm run build` before.
// Needs a Python with scikit-learn, and umap-learn for that part: BRIGHTCELL_PYTHON, or python3 of Debian.
// Trustworthiness (12 neighbours) is scikit-learn's, beyond 10,000 our own on 2,000 of the points against all.
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { availableParallelism, tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { drawTable } from '../src/cli/table.ts';
import { embedTsne, embedUmap, neighboursOfPerplexity, weighNeighbours } from '../src/engine/embedding.ts';
import { ImageSet } from '../src/engine/imageSet.ts';
import { findPrincipalAxes, projectOnAxes } from '../src/engine/pca.ts';
import { setThreads } from '../src/engine/threads.ts';
import { measureTrustworthiness } from '../src/explain/separability.ts';
import { LineChild } from './lineChild.ts';
import { median, wholeNumber } from './numbers.ts';
import { describeMachine } from './speed/machine.ts';

const D = 50;
const clusters = 10;
const perplexity = 30;

const { values } = parseArgs({
  options: {
    sizes: { type: 'string', default: '1000,5000,20000' },
    rounds: { type: 'string', default: '3' },
    threads: { type: 'string', default: String(availableParallelism()) },
    methods: { type: 'string', default: 'tsne,umap' },
    'peer-most': { type: 'string', default: '20000' },
    json: { type: 'boolean', default: false },
  },
});
const threads = wholeNumber('threads', values.threads);
const rounds = wholeNumber('rounds', values.rounds);
const peerMost = wholeNumber('peer-most', values['peer-most']);
setThreads(threads);

interface Drawn {
  seconds: number;
  /** Of them until neighbours were found and weighed. */
  neighbourSeconds?: number;
  cpuSeconds: number;
  divergence?: number;
  trustworthiness: number | null;
}

interface Row {
  method: string;
  size: number;
  ours: Drawn;
  peer: Drawn | undefined;
}

const folder = mkdtempSync(join(tmpdir(), 'brightcell-tsne-'));
try {
  const report = await measure();
  process.stdout.write(values.json ? `${JSON.stringify(report)}\n` : formatReport(report));
} finally {
  rmSync(folder, { recursive: true });
}

async function measure() {
  const child = new LineChild(findPython(), ['bench/peers/embeddings.py']);
  const versions = await child.ask({ threads });
  const rows: Row[] = [];
  for (const size of values.sizes.split(',').map(text => wholeNumber('sizes', text)))
    for (const method of values.methods.split(',')) {
      const row = await compare(child, method, size);
      rows.push(row);
      console.error(JSON.stringify(row)); // as it is measured: large sizes take long
    }
  const { peakBytes } = await child.ask({ do: 'end' });
  const memory = { ours: process.resourceUsage().maxRSS * 1024, peer: peakBytes };
  return { machine: describeMachine(threads), versions, rows, memory };
}

async function compare(child: LineChild, method: string, size: number): Promise<Row> {
  const points = drawPoints(size);
  const path = join(folder, `points-${size}`);
  writeFileSync(path, points);
  const [ours, peer]: [Drawn[], Drawn[]] = [[], []];
  for (let round = 0; round < rounds; round++) {
    ours.push(await embedOurs(child, method, points, path));
    if (size <= peerMost) peer.push(await child.ask({ do: method, points: path, length: D, perplexity }));
  }
  return { method, size, ours: middle(ours), peer: peer.length > 0 ? middle(peer) : undefined };
}

function middle(drawn: Drawn[]): Drawn {
  const [{ divergence, trustworthiness }] = drawn as [Drawn];
  return {
    seconds: median(drawn.map(one => one.seconds)),
    cpuSeconds: median(drawn.map(one => one.cpuSeconds)),
    neighbourSeconds: median(drawn.map(one => one.neighbourSeconds ?? 0)),
    divergence,
    trustworthiness,
  };
}

/** Gaussian clusters with centres three deviations from the middle in each direction: some overlap, most do not. */
function drawPoints(N: number): Float32Array {
  let state = 12345;
  const uniform = () => {
    state = (Math.imul(state, 1664525) + 1013904223) | 0;
    return ((state >>> 8) + 0.5) / 2 ** 24;
  };
  const normal = () => Math.sqrt(-2 * Math.log(uniform())) * Math.cos(2 * Math.PI * uniform());
  const centres = Float32Array.from({ length: clusters * D }, () => 0.6 * normal());
  return Float32Array.from(
    { length: N * D },
    (_, i) => centres[(Math.floor(i / D) % clusters) * D + (i % D)]! + normal(),
  );
}

async function embedOurs(
  child: LineChild,
  method: string,
  points: Float32Array,
  path: string,
): Promise<Drawn> {
  const set = ImageSet.from(points, { channels: 1, height: 1, width: D });
  const [began, cpu] = [performance.now(), process.cpuUsage()];
  const axes = await findPrincipalAxes(points.slice(), D, 2);
  const start = await projectOnAxes(points, axes);
  const weighed =
    method === 'tsne'
      ? await weighNeighbours(set, neighboursOfPerplexity(perplexity, set.count), perplexity)
      : await weighNeighbours(set, 14, null);
  const neighbourSeconds = (performance.now() - began) / 1000;
  const result =
    method === 'tsne'
      ? await embedTsne(weighed, start)
      : { coordinates: await embedUmap(weighed, start), divergence: undefined };
  const seconds = (performance.now() - began) / 1000;
  const { user, system } = process.cpuUsage(cpu);
  set.close();
  const picture = `${path}-picture`;
  writeFileSync(picture, result.coordinates);
  const { trustworthiness } =
    points.length <= 10_000 * D
      ? await child.ask({ do: 'judge', points: path, length: D, picture, neighbours: 12 })
      : { trustworthiness: await judgeSome(points, result.coordinates) };
  const cpuSeconds = (user + system) / 1e6;
  return { seconds, neighbourSeconds, cpuSeconds, divergence: result.divergence, trustworthiness };
}

function judgeSome(points: Float32Array, picture: Float32Array): Promise<number> {
  const N = points.length / D;
  const rows = Int32Array.from({ length: Math.min(N, 2000) }, (_, i) =>
    Math.floor((i * N) / Math.min(N, 2000)),
  );
  return measureTrustworthiness(points, D, picture, 12, rows);
}

function findPython(): string {
  const candidates = [process.env.BRIGHTCELL_PYTHON, 'python3', '/usr/bin/python3'];
  const found = candidates.find(path => path && spawnSync(path, ['-c', 'import sklearn']).status === 0);
  if (found !== undefined) return found;
  console.error('The peer must be there: a Python with scikit-learn (Debian: apt install python3-sklearn).');
  process.exit(1);
}

function formatReport({ machine, versions, rows, memory }: Awaited<ReturnType<typeof measure>>): string {
  const digits = (value: number | null | undefined) => (typeof value === 'number' ? value.toFixed(3) : '-');
  const peers: Record<string, string> = { tsne: `scikit-learn ${versions.sklearn}`, umap: 'umap-learn' };
  const lines = rows.flatMap(({ method, size, ours, peer }) => [
    [method, size, 'brightcell', ...figures(ours, digits), ours.neighbourSeconds!.toFixed(1), ''],
    ...(peer ? [[method, size, peers[method]!, ...figures(peer, digits), '', ratios(ours, peer)]] : []),
  ]);
  const head = [
    ...['', 'cells', 'by', 'seconds', 'CPU s', 'KL', 'trust', 'neighbours'],
    'times as long: clock, CPU',
  ];
  return [
    `${machine.date}, ${machine.processor}, ${machine.threads} threads, ${machine.instructionSet}; medians of ${rounds}`,
    drawTable(head, lines, [0, 2]),
    `Most memory: ours ${Math.round(memory.ours / 2 ** 20)} MB, Python ${Math.round(memory.peer / 2 ** 20)} MB.\n`,
  ].join('\n');
}

function figures(drawn: Drawn, digits: (value: number | null | undefined) => string): string[] {
  const { seconds, cpuSeconds, divergence, trustworthiness } = drawn;
  return [seconds.toFixed(1), cpuSeconds.toFixed(1), digits(divergence), digits(trustworthiness)];
}

function ratios(ours: Drawn, peer: Drawn): string {
  return `${(peer.seconds / ours.seconds).toFixed(1)}, ${(peer.cpuSeconds / ours.cpuSeconds).toFixed(1)}`;
}
