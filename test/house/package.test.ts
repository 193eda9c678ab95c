import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { release } from '../../scripts/release.mjs';
import { root } from './files.ts';

let folder: string;
let tarballs: string[];
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'brightcell-package-'));
  tarballs = release(join(folder, 'prebuilt'));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const platform = `${process.platform}-${process.arch}`;
const readPackage = (name: string) =>
  JSON.parse(readFileSync(join(folder, 'prebuilt', name, 'package.json'), 'utf8'));
const contents = (tarball: string) =>
  execFileSync('tar', ['tzf', tarball], { encoding: 'utf8' }).trim().split('\n').sort();

describe('the packages to publish', () => {
  test('the main package holds the built library, its documents and nothing else', () => {
    const files = contents(tarballs.at(-1)!).filter(
      file => !/^package\/dist\/.*\.(js|d\.ts|css)$/.test(file),
    );
    expect(files).toEqual(
      ['CHANGELOG.md', 'CITATION.cff', 'LICENSE', 'README.md', 'package.json'].map(name => `package/${name}`),
    );
    expect(contents(tarballs.at(-1)!)).toContain('package/dist/cli/main.js');
  });

  test('the platform package holds the addon and says where it runs', () => {
    expect(contents(tarballs[0]!)).toContain('package/brightcell.node');
    const native = readPackage(platform);
    expect(native).toMatchObject({ os: [process.platform], cpu: [process.arch] });
    expect(readPackage('brightcell').optionalDependencies).toEqual({ [native.name]: native.version });
  });

  test('neither package has a script, so nothing runs at installation', () => {
    expect(readPackage('brightcell').scripts).toBeUndefined();
    expect(readPackage(platform).scripts).toBeUndefined();
    expect(existsSync(join(root, 'binding.gyp'))).toBe(false);
  });

  test('installed by npm into an empty folder, the command and the library run', async () => {
    const installed = join(folder, 'installed');
    mkdirSync(installed);
    writeFileSync(join(installed, 'package.json'), '{ "private": true }');
    const npm = process.env.npm_execpath ? [process.execPath, process.env.npm_execpath] : ['npm'];
    const [command, ...first] = npm as [string, ...string[]];
    const install = ['install', '--no-audit', '--no-fund', '--prefer-offline', ...tarballs];
    execFileSync(command, [...first, ...install], { cwd: installed, stdio: 'pipe' });
    const run = (program: string, ...args: string[]) =>
      execFileSync(program, args, { cwd: installed, encoding: 'utf8' }).trim();
    expect(run('node_modules/.bin/brightcell', '--version')).toBe(readPackage('brightcell').version);
    const simulated = run(
      'node_modules/.bin/brightcell',
      'simulate',
      '--cells',
      '12',
      '--out',
      'cells',
      '--json',
    );
    expect(JSON.parse(simulated).cells).toBe(12);
    expect(run(process.execPath, '--input-type=module', '-e', useLibrary)).toBe('12 true');
  }, 180_000);
});

const useLibrary = `
import { Dataset, version } from 'brightcell';
const cells = await Dataset.open('cells', 'read');
console.log(cells.count, /^\\d+\\.\\d+/.test(version()));
await cells.close();`;
