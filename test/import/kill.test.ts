import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { Dataset } from '../../src/dataset/dataset.ts';
import { importImages } from '../../src/import/importImages.ts';
import { withFolder } from '../dataset/cells.ts';
import { encodeTiff, grayPixels, writeTree } from './files.ts';

const built = fileURLToPath(new URL('../../dist/import/importImages.js', import.meta.url));

async function fingerprintOf(path: string) {
  const dataset = await Dataset.open(path, 'read');
  expect(await dataset.verify()).toEqual([]);
  const sources = await dataset.query('SELECT source, frame FROM cells ORDER BY id');
  const fingerprint = await dataset.fingerprint();
  await dataset.close();
  return { sources, fingerprint };
}

test('an import that is killed again and again ends in the same data set as one that is not', () =>
  withFolder(async folder => {
    const root = join(folder, 'in');
    const files: Record<string, Buffer> = {};
    for (let i = 0; i < 40; i++) {
      const pages = Array.from({ length: 10 }, (_, page) => grayPixels(6, 7 + (i % 3), 10 * i + page));
      files[`${'ab'[i % 2]}/${i}.tif`] = encodeTiff(
        pages.map(pixels => ({ pixels, height: 6, width: pixels.length / 6 })),
      );
    }
    await writeTree(root, files);
    const [whole, broken] = [join(folder, 'whole'), join(folder, 'broken')];
    await importImages(root, whole, { size: [32, 32] });
    const script = `const { importImages } = await import(${JSON.stringify(built)});
      const onProgress = ({ done }) => console.log(done);
      await importImages(${JSON.stringify(root)}, ${JSON.stringify(broken)}, { size: [32, 32] }, { onProgress });`;
    const killAt = [1, 15, 30, Number.POSITIVE_INFINITY];
    for (const limit of killAt) {
      const child = execFile(process.execPath, ['--input-type=module', '-e', script]);
      child.stdout!.on('data', text => {
        const done = Number(String(text).trim().split('\n').at(-1));
        if (done >= limit) setTimeout(() => child.kill('SIGKILL'), Math.random() * 100);
      });
      await once(child, 'close');
      // Before the first cell there is no data set yet.
      if (existsSync(join(broken, 'dataset.json'))) await (await Dataset.open(broken, 'read')).close();
    }
    expect(await fingerprintOf(broken)).toEqual(await fingerprintOf(whole));
  }));
