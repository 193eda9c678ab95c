import { execFileSync } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
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
    const files = contents(tarballs.at(-1)!).filter(file => !/^package\/dist\/.*\.(js|d\.ts)$/.test(file));
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

  test('installed into an empty folder, the command runs with the addon of the platform package', () => {
    const node = (...args: string[]) =>
      execFileSync(process.execPath, args, { cwd: installed, encoding: 'utf8' });
    const installed = unpackAsInstalled();
    const main = join(installed, 'node_modules/brightcell/dist/cli/main.js');
    expect(node(main, '--version').trim()).toBe(readPackage('brightcell').version);
    const simulated = JSON.parse(
      node(main, 'simulate', '--cells', '12', '--out', 'cells', '--seed', '1', '--json'),
    );
    expect(simulated.cells).toBe(12);
    expect(node('-e', "import('brightcell').then(all => console.log(typeof all.train))").trim()).toBe(
      'function',
    );
  });
});

/** What `npm install` of both tarballs leaves, with the dependencies of this clone instead of downloaded ones. */
function unpackAsInstalled(): string {
  const installed = join(folder, 'installed');
  const modules = join(installed, 'node_modules');
  mkdirSync(modules, { recursive: true });
  const dependencies = Object.keys(readPackage('brightcell').dependencies);
  for (const name of withTheirOwn(dependencies)) {
    cpSync(join(root, 'node_modules', name), join(modules, name), { recursive: true, mode: 1 });
  }
  for (const [tarball, name] of [
    [tarballs[0]!, readPackage(platform).name],
    [tarballs.at(-1)!, 'brightcell'],
  ]) {
    mkdirSync(join(modules, name), { recursive: true });
    execFileSync('tar', ['xzf', tarball, '--strip-components=1', '-C', join(modules, name)]);
  }
  return installed;
}

/** The packages and all that they depend on, as far as installed here. */
function withTheirOwn(names: string[]): Set<string> {
  const found = new Set<string>();
  const add = (name: string) => {
    const file = join(root, 'node_modules', name, 'package.json');
    if (found.has(name) || !existsSync(file)) return;
    found.add(name);
    const { dependencies = {}, optionalDependencies = {} } = JSON.parse(readFileSync(file, 'utf8'));
    for (const next of Object.keys({ ...dependencies, ...optionalDependencies })) add(next);
  };
  names.forEach(add);
  return found;
}
