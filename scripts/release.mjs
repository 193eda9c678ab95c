// Makes the packages to publish, under prebuilt/:
//   <platform>/         the addon of this machine's platform as @brightcell/native-<platform>
//   brightcell/         the main package, with every platform found in prebuilt/ as an optional dependency
//   *.tgz               both, packed
// A release collects the platform folders of several machines in prebuilt/ and runs this once more on one of them.
import { execFileSync } from 'node:child_process';
import {
  copyFileSync,
  cpSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from './build.mjs';
import { root } from './setup.mjs';

/** Builds and packs; gives the paths of the tarballs. */
export function release(prebuilt = `${root}prebuilt`) {
  const main = JSON.parse(readFileSync(`${root}package.json`, 'utf8'));
  makePlatformPackage(prebuilt, main);
  const platforms = readdirSync(prebuilt, { withFileTypes: true })
    .filter(entry => entry.isDirectory() && existsSync(join(prebuilt, entry.name, 'brightcell.node')))
    .map(entry => entry.name);
  makeMainPackage(prebuilt, main, platforms);
  return [...platforms, 'brightcell'].map(folder => pack(prebuilt, folder));
}

function makePlatformPackage(prebuilt, main) {
  const platform = `${process.platform}-${process.arch}`;
  const folder = join(prebuilt, platform);
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  copyFileSync(`${root}native/build/Release/brightcell.node`, join(folder, 'brightcell.node'));
  copyFileSync(`${root}LICENSE`, join(folder, 'LICENSE'));
  writeFileSync(
    join(folder, 'README.md'),
    `# ${nativeName(platform)}\n\nThe native core of [brightcell](https://www.npmjs.com/package/brightcell) for ${platform}.\n`,
  );
  writePackage(folder, {
    name: nativeName(platform),
    version: main.version,
    description: `The native core of brightcell for ${platform}.`,
    license: main.license,
    main: 'brightcell.node',
    files: ['brightcell.node'],
    engines: main.engines,
    os: [process.platform],
    cpu: [process.arch],
    ...(process.platform === 'linux' ? { libc: ['glibc'] } : {}),
  });
}

function makeMainPackage(prebuilt, main, platforms) {
  const folder = join(prebuilt, 'brightcell');
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  for (const entry of main.files.filter(name => !name.startsWith('!')))
    cpSync(`${root}${entry}`, join(folder, entry), { recursive: true });
  const { devDependencies: _development, scripts: _scripts, ...published } = main;
  const native = Object.fromEntries(platforms.map(platform => [nativeName(platform), main.version]));
  writePackage(folder, { ...published, optionalDependencies: { ...main.optionalDependencies, ...native } });
}

function nativeName(platform) {
  return `@brightcell/native-${platform}`;
}

function writePackage(folder, content) {
  writeFileSync(join(folder, 'package.json'), `${JSON.stringify(content, null, 2)}\n`);
}

function pack(prebuilt, folder) {
  const npm = process.env.npm_execpath ? [process.execPath, process.env.npm_execpath] : ['npm'];
  const [command, ...first] = npm;
  const output = execFileSync(command, [...first, 'pack', '--json', '--pack-destination', prebuilt], {
    cwd: join(prebuilt, folder),
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  return join(prebuilt, JSON.parse(output)[0].filename);
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  rmSync(`${root}dist`, { recursive: true, force: true }); // nothing of a source that is no more
  build();
  for (const tarball of release()) console.log(tarball);
}
