import { cpSync, existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import packageFile from '../../package.json' with { type: 'json' };
import { mainFile, runProcess } from '../cli/brightcell.ts';
import { list, read } from './files.ts';

/** Commands of a document's ```sh blocks, a line each; comments and continued lines taken care of. */
function commandsOf(document: string): string[] {
  return [...read(document).matchAll(/^```sh\n(.*?)^```/gms)].flatMap(([, block]) =>
    block!
      .replaceAll(/\\\n\s*/g, '')
      .split('\n')
      .map(line =>
        line
          .replace(/^\$ /, '')
          .replace(/\s+#.*$/, '')
          .trim(),
      )
      .filter(line => line !== '' && !line.startsWith('#')),
  );
}

const documents = ['README.md', 'CONTRIBUTING.md', 'ARCHITECTURE.md', ...list('docs', '.md')];
/** What runs only on a fresh machine or is this very test; demo has a test of its own. */
const aboutTheClone = /^(git clone|cd brightcell$|npm (run|test|install|ci)\b|npx biome\b|\.ci\/run$)/;
const runnable = (document: string) => commandsOf(document).filter(line => !aboutTheClone.test(line));

/** A training without epochs. */
const plain = /--config|--model (\S*\+)?(centroid|knn|svm|forest|logistic)\b/;

/** The same command on a small amount of data. */
function made(small: string): string {
  return small
    .replace(/--cells \d+/, '--cells 240')
    .replace(/^(brightcell train (?!.*--epochs).*)$/, line =>
      plain.test(line) ? line : `${line} --epochs 1`,
    )
    .replace(/--epochs \d+/, '--epochs 1');
}

let folder: string;
let path: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'brightcell-documents-'));
  mkdirSync(join(folder, 'bin'));
  symlinkSync(mainFile, join(folder, 'bin', 'brightcell'));
  path = [join(folder, 'bin'), process.env.PATH].join(delimiter);
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

async function runAll(document: string, cwd: string): Promise<void> {
  for (const line of runnable(document)) {
    const outcome = await runProcess('bash', ['-c', made(line)], { cwd, env: { PATH: path } });
    expect(outcome, `${document}: ${line}`).toMatchObject({ code: 0 });
  }
}

describe('every command shown in a document runs', () => {
  test('README.md, from nothing', async () => {
    mkdirSync(join(folder, 'readme'));
    expect(runnable('README.md').length).toBeGreaterThanOrEqual(7);
    await runAll('README.md', join(folder, 'readme'));
  }, 300_000);

  test.each(documents.slice(1).filter(document => runnable(document).length > 0))(
    '%s, from nothing where it begins by making data, else after those of README.md',
    async document => {
      const cwd = join(folder, document.replaceAll('/', '-'));
      const makesData = /^brightcell (simulate|import|demo)/.test(runnable(document)[0]!);
      if (makesData) mkdirSync(cwd);
      else cpSync(join(folder, 'readme'), cwd, { recursive: true });
      await runAll(document, cwd);
    },
    300_000,
  );

  test('every npm script shown exists', () => {
    const shown = documents.flatMap(document =>
      [...read(document).matchAll(/npm run ([\w:-]+)/g)].map(match => match[1]!),
    );
    expect(shown.length).toBeGreaterThan(0);
    expect(shown.filter(name => !(name in packageFile.scripts))).toEqual([]);
  });
});

test('links between the documents lead to files', () => {
  const broken = documents.flatMap(document =>
    [...read(document).matchAll(/\]\((?!https?:|#|mailto:)([^)#]+)/g)]
      .map(match => join(document, '..', match[1]!))
      .filter(target => !existsSync(join(import.meta.dirname, '../..', target)))
      .map(target => `${document} links to ${target}`),
  );
  expect(broken).toEqual([]);
});

test('every picture in docs/images is small and shown', () => {
  const text = documents.map(read).join('\n');
  const pictures = existsSync(join(import.meta.dirname, '../../docs/images'))
    ? readdirSync(join(import.meta.dirname, '../../docs/images'))
    : [];
  expect(pictures.filter(name => !text.includes(`images/${name}`))).toEqual([]);
});
