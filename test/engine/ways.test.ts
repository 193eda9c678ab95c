import { execFileSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { homedir, tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { waysFolder } from '../../src/engine/ways.ts';

let cache: string;
beforeEach(() => {
  cache = mkdtempSync(join(tmpdir(), 'brightcell-ways-'));
});
afterEach(() => rmSync(cache, { recursive: true, force: true }));

/** Builds a network whose layers come close in the cost model, in a process of its own, and gives the files left. */
function build(environment: NodeJS.ProcessEnv): string[] {
  const program = `
    import { Network } from './dist/engine/network.js';
    import { ImageSet } from './dist/engine/imageSet.js';
    const layer = kernel => ({ type: 'conv', filters: 16, kernel: [kernel, kernel], padding: 'same' });
    const network = new Network(
      { input: { channels: 16, height: 24, width: 24 }, layers: [3, 4, 5, 6, 7].map(layer).concat({ type: 'dense', units: 2 }) },
      { seed: 1, initialiser: { name: 'heNormal' } },
    );
    const images = ImageSet.from(new Float32Array(16 * 24 * 24), { channels: 16, height: 24, width: 24 });
    await network.predict({ images, rows: Int32Array.of(0), normalisation: 'none' });
  `;
  execFileSync(process.execPath, ['--input-type=module', '-e', program], {
    env: { ...process.env, ...environment },
    cwd: new URL('../..', import.meta.url).pathname,
  });
  return readdirSync(cache, { recursive: true, withFileTypes: true })
    .filter(entry => entry.isFile())
    .map(entry => join(entry.parentPath, entry.name));
}

test('ways are remembered under BRIGHTCELL_CACHE, or in the cache folder of the user', () => {
  expect(waysFolder({ BRIGHTCELL_CACHE: '/c' }, 'linux')).toMatch(/^\/c\/ways\/[A-Za-z0-9-]+$/);
  expect(waysFolder({ XDG_CACHE_HOME: '/x' }, 'linux')).toMatch(/^\/x\/brightcell\/ways\//);
  expect(waysFolder({}, 'darwin')).toContain(join(homedir(), 'Library', 'Caches', 'brightcell'));
  expect(waysFolder({ BRIGHTCELL_CACHE: '' }, 'linux')).toBeUndefined();
});

test('what a measurement found is kept, one way a file, and stands for later processes', () => {
  const files = build({ BRIGHTCELL_CACHE: cache });
  expect(files.length).toBeGreaterThan(0);
  const kept = files.map(file => readFileSync(file, 'utf8'));
  for (const name of kept)
    expect(['direct', 'winograd', 'winograd32', 'fft', 'few', 'wide', 'pairs']).toContain(name);
  expect(build({ BRIGHTCELL_CACHE: cache })).toEqual(files);
  expect(files.map(file => readFileSync(file, 'utf8'))).toEqual(kept);
});

test('a way that does not exist is measured anew, and a cache that cannot be written does no harm', () => {
  const [file] = build({ BRIGHTCELL_CACHE: cache });
  writeFileSync(file!, 'nonsense'.repeat(100));
  build({ BRIGHTCELL_CACHE: cache });
  build({ BRIGHTCELL_CACHE: '/dev/null/nowhere' });
});
