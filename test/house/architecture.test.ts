import { dirname, join, relative } from 'node:path';
import { describe, expect, test } from 'vitest';
import { list, read, root } from './files.ts';

const sources = list('src', '.ts');
const imports = sources.flatMap(file =>
  [...read(file).matchAll(/(?:import|export)\s[^;'"]*?from\s*'([^']+)'|import\(\s*'([^']+)'\s*\)/g)].map(
    match => ({ file, target: match[1] ?? match[2]! }),
  ),
);
const inner = imports
  .filter(({ target }) => target.startsWith('.'))
  .map(({ file, target }) => ({ file, target: relative(root, join(root, dirname(file), target)) }));

describe('the folders of src/', () => {
  const order = [...read('ARCHITECTURE.md').matchAll(/^\| `(src\/[^`]+)` \|/gm)].map(match => match[1]!);
  const layer = (file: string) =>
    order.findIndex(entry => file === entry || (entry.endsWith('/') && file.startsWith(entry)));

  test('every source file belongs to a row of ARCHITECTURE.md', () => {
    expect(sources.length).toBeGreaterThan(10);
    expect(sources.filter(file => layer(file) < 0)).toEqual([]);
  });

  test('a folder imports only from itself and from rows above its own', () => {
    expect(inner.length).toBeGreaterThan(20);
    const wrong = inner.filter(({ file, target }) => layer(target) > layer(file) || layer(target) < 0);
    expect(wrong.map(({ file, target }) => `${file} imports ${target}`)).toEqual([]);
  });

  test('no file imports itself by way of others', () => {
    const edges = new Map<string, string[]>();
    for (const { file, target } of inner) edges.set(file, [...(edges.get(file) ?? []), target]);
    expect(findCycle(edges)).toBeUndefined();
  });

  test('only src/engine/ touches the addon', () => {
    const outside = imports.filter(
      ({ file, target }) =>
        /(^|\/)addon\.ts$|\.node$|native\//.test(target) && !file.startsWith('src/engine/'),
    );
    expect(outside).toEqual([]);
  });

  test('relative imports end in .ts and exports have names', () => {
    expect(imports.filter(({ target }) => target.startsWith('.') && !target.endsWith('.ts'))).toEqual([]);
    expect(sources.filter(file => /^export default/m.test(read(file)))).toEqual([]);
  });

  test('the library never imports the command line', () => {
    expect(
      inner.filter(({ file, target }) => target.startsWith('src/cli/') && !file.startsWith('src/cli/')),
    ).toEqual([]);
  });
});

describe('native/core/', () => {
  const core = list('native/core', '.h', '.cpp');
  const included = core.flatMap(file =>
    [...read(file).matchAll(/^\s*#\s*include\s*[<"]([^>"]+)[>"]/gm)].map(match => ({
      file,
      header: match[1]!,
    })),
  );

  test('knows nothing of Node', () => {
    expect(core.length).toBeGreaterThan(0);
    const foreign = /napi|node|uv\.h|v8|bindings\//;
    expect(included.filter(({ header }) => foreign.test(header))).toEqual([]);
  });

  test('opens no files', () => {
    expect(included.filter(({ header }) => /^(fstream|filesystem|fcntl\.h)$/.test(header))).toEqual([]);
  });
});

/** The files of one cycle, in order, if there is one. */
function findCycle(edges: Map<string, string[]>): string[] | undefined {
  const done = new Set<string>();
  const visit = (file: string, path: string[]): string[] | undefined => {
    if (path.includes(file)) return [...path.slice(path.indexOf(file)), file];
    if (done.has(file)) return undefined;
    for (const target of edges.get(file) ?? []) {
      const cycle = visit(target, [...path, file]);
      if (cycle) return cycle;
    }
    done.add(file);
    return undefined;
  };
  for (const file of edges.keys()) {
    const cycle = visit(file, []);
    if (cycle) return cycle;
  }
  return undefined;
}
