// Builds the C++ tests another way and runs them: `node scripts/checkNative.mjs [address] [thread] [aarch64]`, all three
// where none is named. Continuous integration runs it; `npm test` at a desk does not.
//   address   AddressSanitizer and UndefinedBehaviorSanitizer: every access inside its memory, no undefined behaviour
//   thread    ThreadSanitizer: no two threads at one place without order between them
//   aarch64   cross-built for 64-bit ARM and run under qemu-user: the NEON kernels
// Objects lie in native/build/check/<way>; only what changed is compiled again.
import { execFile, spawnSync } from 'node:child_process';
import { mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { dirname } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { root } from './setup.mjs';

const native = `${root}native/`;
// Objects keep -g1 so that a report names its line; -O1 keeps the build short.
const sanitized = ['-O1', '-g1', '-fno-omit-frame-pointer', '-fno-sanitize-recover=all'];

/** How each way compiles, and what runs the program. */
export const ways = {
  address: {
    compiler: process.env.CXX ?? 'g++',
    flags: [...sanitized, '-fsanitize=address,undefined'],
    command: program => [program],
    environment: {
      // Not detect_stack_use_after_return: frames that it moves to the heap lose the alignment of AVX-512 (g++ 12).
      ASAN_OPTIONS: 'strict_init_order=1:check_initialization_order=1',
      UBSAN_OPTIONS: 'print_stacktrace=1',
      BRIGHTCELL_TEST_SETS: 'best',
    },
  },
  thread: {
    compiler: process.env.CXX ?? 'g++',
    flags: [...sanitized, '-fsanitize=thread'],
    command: program => [...fixedLayout(), program],
    environment: { TSAN_OPTIONS: 'halt_on_error=1', BRIGHTCELL_TEST_SETS: 'best' },
    // The scalar twins run on one thread; watching them would cost minutes.
    unwatched: source => source.startsWith('test/') && source !== 'test/parallel_test.cpp',
  },
  aarch64: {
    compiler: 'aarch64-linux-gnu-g++',
    arch: 'arm64',
    flags: ['-O2'],
    command: program => ['qemu-aarch64', '-L', '/usr/aarch64-linux-gnu', program],
    environment: {},
  },
};

/** Builds one way; gives the path of the program. Throws with the compiler's words where it fails. */
export async function buildNativeTests(name) {
  const way = ways[name];
  const folder = `${native}build/check/${name}/`;
  const units = unitsOf(way, folder);
  const stale = units.filter(unit => isStale(unit));
  await forEachAtOnce(stale, availableParallelism(), async unit => {
    mkdirSync(dirname(unit.object), { recursive: true });
    await promisify(execFile)(unit.command[0], unit.command.slice(1), { cwd: native, maxBuffer: 1e8 });
    writeFileSync(`${unit.object}.command`, unit.command.join(' '));
  });
  const program = `${folder}core_tests`;
  const objects = units.map(unit => unit.object);
  await promisify(execFile)(way.compiler, [...way.flags, ...objects, '-lpthread', '-o', program]);
  return program;
}

/** Builds and runs one way; gives what it printed and its exit status (null where it was killed). */
export async function checkNative(name, stdio = 'pipe') {
  const program = await buildNativeTests(name);
  const [command, ...args] = ways[name].command(program);
  const { status, stdout, stderr, error } = spawnSync(command, args, {
    encoding: 'utf8',
    maxBuffer: 1e8,
    stdio: ['ignore', stdio, stdio],
    env: { ...process.env, ...ways[name].environment },
  });
  if (error) throw error;
  return { status, stdout, stderr };
}

/** Some Linux kernels place memory more randomly than ThreadSanitizer can follow: this turns it off, where that is allowed. */
function fixedLayout() {
  const command = ['setarch', process.arch === 'x64' ? 'x86_64' : 'aarch64', '-R'];
  return spawnSync(command[0], [...command.slice(1), 'true']).status === 0 ? command : [];
}

/** The instruction sets and their flags stand in binding.gyp; they are read from there. */
function kernelFlags(arch) {
  // A gyp file is a Python literal: comments, and commas before a closing bracket, are all that JSON lacks.
  const text = readFileSync(`${native}binding.gyp`, 'utf8').replace(/^\s*#.*$/gm, '');
  const targets = [...text.matchAll(/"target_name": "kernels_(\w+)"[\s\S]*?"cflags_cc": (\[[^\]]*\])/g)];
  return targets
    .map(([, set, flags]) => ({ set, flags: JSON.parse(flags) }))
    .filter(({ set }) => set === 'plain' || arch === 'x64');
}

/** Every object: its source, where it goes, and the command that makes it. */
function unitsOf(way, folder) {
  const common = ['-std=c++20', '-fno-math-errno', '-fno-trapping-math', '-Wall', '-Wextra', '-I.'];
  const unit = (source, into, extra) => {
    const object = `${folder}${into}/${source.replace(/^.*\//, '')}.o`;
    const flags = way.unwatched?.(source) ? ['-O2'] : way.flags;
    const command = [way.compiler, ...common, ...flags, ...extra, '-MMD', '-c', source, '-o', object];
    return { source, object, command };
  };
  const sources = part => readdirSync(`${native}${part}`).filter(file => file.endsWith('.cpp'));
  const kernels = kernelFlags(way.arch ?? process.arch).flatMap(({ set, flags }) =>
    sources('kernels').map(file => unit(`kernels/${file}`, set, flags)),
  );
  // The tests come last: of inline code that several objects hold, the linker keeps the first, the watched one.
  const rest = ['core', 'test'].flatMap(part => sources(part).map(file => unit(`${part}/${file}`, part, [])));
  return [...kernels, ...rest];
}

/** Whether an object is missing, older than a file it was made of, or made by another command. */
function isStale({ object, command }) {
  try {
    if (readFileSync(`${object}.command`, 'utf8') !== command.join(' ')) return true;
    const made = statSync(object).mtimeMs;
    const files = readFileSync(object.replace(/\.o$/, '.d'), 'utf8')
      .replace(/^[^:]*:/, '')
      .match(/[^\s\\]+/g);
    return files.some(file => statSync(file.startsWith('/') ? file : native + file).mtimeMs > made);
  } catch {
    return true;
  }
}

/** Calls `task` for each item, `most` at once; the first failure is thrown when those begun have ended. */
async function forEachAtOnce(items, most, task) {
  const waiting = [...items];
  const work = async () => {
    for (let item = waiting.shift(); item !== undefined; item = waiting.shift()) await task(item);
  };
  await Promise.all(Array.from({ length: most }, work));
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const names = process.argv.length > 2 ? process.argv.slice(2) : Object.keys(ways);
  const unknown = names.find(name => !(name in ways));
  if (unknown) {
    console.error(`What to check must be of: ${Object.keys(ways).join(', ')}. Received ${unknown}.`);
    process.exit(2);
  }
  for (const name of names) {
    console.log(`${name}:`);
    const { status } = await checkNative(name, 'inherit');
    if (status !== 0) process.exit(1);
  }
}
