import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DuckDBInstance } from '@duckdb/node-api';
import { afterAll, beforeAll, expect, test } from 'vitest';
import {
  type PredictionTable,
  writePredictionsCsv,
  writePredictionsParquet,
} from '../../src/evaluate/predictions.ts';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'brightcell-predictions-'));
});
afterAll(() => rm(folder, { recursive: true }));

const table: PredictionTable = {
  classes: ['a', 'A', 'b "quoted"'],
  id: Int32Array.of(3, 7),
  part: ['validation', 'test'],
  source: ['run, 1/x.png', 'y.tif'],
  frame: Int32Array.of(0, 12),
  group: ['donor 1', null],
  labels: Int32Array.of(1, 0),
  probabilities: Float32Array.of(0.1, 0.2, 0.7, 1, 0, 0),
};

test('predictions as CSV have a row a cell and give the float32 probabilities back', async () => {
  const path = join(folder, 'predictions.csv');
  await writePredictionsCsv(path, table);
  const lines = (await readFile(path, 'utf8')).trimEnd().split('\n');
  expect(lines[0]).toBe(
    'id,part,source,frame,group,label,predicted,probability_a,probability_A_2,"probability_b ""quoted"""',
  );
  expect(lines[1]!.startsWith('3,validation,"run, 1/x.png",0,donor 1,A,"b ""quoted""",')).toBe(true);
  expect(lines[1]!.split(',').slice(-3).map(Number).map(Math.fround)).toEqual([
    ...table.probabilities.slice(0, 3),
  ]);
  expect(lines[2]).toBe('7,test,y.tif,12,,a,a,1.00000000,0.00000000,0.00000000');
});

test('predictions as Parquet have the same columns, and other tools read them', async () => {
  const path = join(folder, "it's predictions.parquet");
  await writePredictionsParquet(path, table);
  const instance = await DuckDBInstance.create(':memory:');
  const connection = await instance.connect();
  const reader = await connection.runAndReadAll(`SELECT * FROM '${path.replaceAll("'", "''")}' ORDER BY id`);
  const rows = reader.getRowObjectsJS();
  connection.closeSync();
  instance.closeSync();
  expect(rows[0]).toEqual({
    ...{ id: 3, part: 'validation', source: 'run, 1/x.png', frame: 0, group: 'donor 1' },
    ...{ label: 'A', predicted: 'b "quoted"' },
    ...{ probability_a: Math.fround(0.1), probability_A_2: Math.fround(0.2) },
    'probability_b "quoted"': Math.fround(0.7),
  });
  expect(rows[1]).toMatchObject({
    id: 7,
    frame: 12,
    group: null,
    label: 'a',
    predicted: 'a',
    probability_a: 1,
  });
  expect(rows).toHaveLength(2);
});

test('a folder that is not there is an error and leaves nothing', async () => {
  await expect(writePredictionsParquet(join(folder, 'none', 'p.parquet'), table)).rejects.toThrow();
  expect((await readdir(folder)).sort()).toEqual(["it's predictions.parquet", 'predictions.csv']);
});

test('many cells pass through in chunks without loss', async () => {
  const N = 20_000;
  const many: PredictionTable = {
    classes: ['x', 'y'],
    id: Int32Array.from({ length: N }, (_, i) => i),
    part: new Array(N).fill('test'),
    source: new Array(N).fill('s'),
    frame: new Int32Array(N),
    group: new Array(N).fill(null),
    labels: Int32Array.from({ length: N }, (_, i) => i % 2),
    probabilities: Float32Array.from({ length: 2 * N }, (_, i) => (i % 4 < 2 ? 0.25 : 0.75)),
  };
  const path = join(folder, 'many.csv');
  await writePredictionsCsv(path, many);
  const lines = (await readFile(path, 'utf8')).trimEnd().split('\n');
  expect(lines.slice(1).map(line => Number(line.split(',')[0]))).toEqual([...many.id]);
});
