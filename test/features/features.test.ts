import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { DuckDBInstance } from '@duckdb/node-api';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { Dataset } from '../../src/dataset/dataset.ts';
import { measureFeatures } from '../../src/engine/features.ts';
import { featureNames, featuresVersion } from '../../src/features/definitions.ts';
import { features } from '../../src/features/features.ts';
import { makeToy, type Toy } from '../train/toyDataset.ts';

const names = featureNames(1);
let toy: Toy;
beforeAll(async () => {
  toy = await makeToy();
});
afterAll(() => toy.remove());

async function withDataset<T>(mode: 'read' | 'write', body: (dataset: Dataset) => Promise<T>): Promise<T> {
  const dataset = await Dataset.open(toy.dataset, mode);
  try {
    return await body(dataset);
  } finally {
    await dataset.close();
  }
}

describe('features of a data set', () => {
  test('are none before they are measured', async () => {
    await withDataset('read', async dataset => {
      expect(await dataset.features()).toBeUndefined();
      expect((await dataset.featureIds(featuresVersion, names)).size).toBe(0);
      await expect(dataset.exportFeatures(join(toy.folder, 'none.csv'), 'csv')).rejects.toMatchObject({
        code: 'option-invalid',
      });
      expect(existsSync(join(toy.folder, 'none.csv'))).toBe(false);
    });
  });

  test('are kept in the catalogue as they are measured, and read back as columns', async () => {
    const report = await features(toy.dataset);
    expect(report).toMatchObject({ cells: 192, measured: 192, features: names.length });
    await withDataset('read', async dataset => {
      const stored = (await dataset.features())!;
      expect(stored.names).toEqual(names);
      expect([...stored.id]).toEqual(Array.from({ length: 192 }, (_, id) => id));
      const values = await measureFeatures(dataset.images(), stored.id);
      for (const [f, column] of stored.columns.entries())
        expect(column).toEqual(stored.id.map(id => id).reduce(collect(values, f), new Float32Array(192)));
    });
  });

  test('are measured once: what is there is left alone, what is missing comes', async () => {
    expect(await features(toy.dataset)).toMatchObject({ measured: 0, cells: 192 });
    await withDataset('write', async dataset => {
      const [first] = await dataset.query('SELECT max(id) AS last FROM features');
      expect(first).toEqual({ last: 191 });
      const values = new Float32Array(2 * names.length).fill(7);
      await dataset.writeFeatures({ id: Int32Array.of(3, 5), names, values }, featuresVersion);
      expect(await dataset.query('SELECT count(*) AS n FROM features')).toEqual([{ n: 192 }]);
      expect(await dataset.query('SELECT area FROM features WHERE id IN (3, 5)')).toEqual([
        { area: 7 },
        { area: 7 },
      ]);
    });
    expect(await features(toy.dataset)).toMatchObject({ measured: 0 });
    expect(await features(toy.dataset, { again: true })).toMatchObject({ measured: 192 });
    await withDataset('read', async dataset => {
      expect(await dataset.query('SELECT id FROM features WHERE area = 7 AND perimeter = 7')).toEqual([]);
    });
  });

  test('of other definitions are replaced whole', async () => {
    const other = { id: Int32Array.of(0), names: ['area', 'old'], values: Float32Array.of(1, 2) };
    await withDataset('write', dataset => dataset.writeFeatures(other, featuresVersion + 1));
    await withDataset('read', async dataset => {
      expect((await dataset.features())!.names).toEqual(['area', 'old']);
      expect((await dataset.featureIds(featuresVersion, names)).size).toBe(0);
      expect((await dataset.featureIds(featuresVersion + 1, ['area', 'old'])).size).toBe(1);
    });
    expect(await features(toy.dataset)).toMatchObject({ measured: 192 });
  });

  test('a failed write leaves what was there', async () => {
    const wrong = { id: Int32Array.of(0), names, values: new Float32Array(3) };
    await withDataset('write', async dataset => {
      await expect(dataset.writeFeatures(wrong, 1)).rejects.toMatchObject({ code: 'option-invalid' });
      const unknown = { id: Int32Array.of(192), names, values: new Float32Array(names.length) };
      await expect(dataset.writeFeatures(unknown, 1)).rejects.toMatchObject({ code: 'option-invalid' });
      expect(await dataset.query('SELECT count(*) AS n FROM features')).toEqual([{ n: 192 }]);
    });
  });

  test('are exported beside what is known of each cell, as CSV and as Parquet', async () => {
    const [csv, parquet] = ['csv', 'parquet'].map(ending => join(toy.folder, 'out', `cells.${ending}`));
    await features(toy.dataset, { out: csv! });
    await features(toy.dataset, { out: parquet! });
    const [head, ...lines] = readFileSync(csv!, 'utf8').trim().split('\n');
    expect(head).toBe(['id', 'source', 'frame', 'class', 'group', 'split', 'verdict', ...names].join(','));
    expect(lines).toHaveLength(192);
    expect(lines[100]).toMatch(/^100,1-\d+\.png,0,level,,\w+,,\d/);
    const instance = await DuckDBInstance.create();
    const connection = await instance.connect();
    const same = await connection.runAndReadAll(
      `SELECT count(*) AS n FROM '${csv}' a JOIN '${parquet}' b ON a.id = b.id AND a.area = b.area ` +
        'AND abs(a.zernike8m8 - b.zernike8m8) <= 1e-7 AND a.class = b.class',
    );
    expect(Number(same.getRowObjectsJS()[0]!.n)).toBe(192);
    connection.closeSync();
    instance.closeSync();
  });

  test('another ending is refused before anything is measured', async () => {
    await expect(features(toy.dataset, { out: 'cells.xlsx' })).rejects.toMatchObject({
      code: 'option-invalid',
    });
  });

  test('a stop keeps nothing half, and the next run goes on', async () => {
    const controller = new AbortController();
    controller.abort();
    await expect(features(toy.dataset, { again: true }, { signal: controller.signal })).rejects.toMatchObject(
      {
        code: 'cancelled',
      },
    );
    expect(await features(toy.dataset)).toMatchObject({ measured: 0 });
  });
});

/** Fills a column with one feature's values. */
function collect(values: Float32Array, feature: number) {
  return (column: Float32Array, id: number) => {
    column[id] = values[id * names.length + feature]!;
    return column;
  };
}
