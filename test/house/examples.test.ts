import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { runProcess } from '../cli/brightcell.ts';
import { list, read, root } from './files.ts';

const folder = mkdtempSync(join(tmpdir(), 'brightcell-examples-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

test.each(list('examples', '.mjs'))(
  '%s runs',
  async example => {
    const { code, stdout, stderr } = await runProcess(process.execPath, [join(root, example)], {
      cwd: folder,
    });
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expect(stdout).toMatch(/\d+ test cells of 4 classes: accuracy 0\.\d{3}/);
  },
  180_000,
);

test('the example in README.md is the one that runs here', () => {
  expect(read('README.md')).toContain(`\`\`\`js\n${read('examples/classifier.mjs')}\`\`\``);
});
