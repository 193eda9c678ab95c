import { join } from 'node:path';
import { expect, test } from 'vitest';
import { Dataset } from '../../src/dataset/dataset.ts';
import { cell, header, withFolder } from './cells.ts';

/** A cell of one grey level within and another on its border of one pixel. */
function boxed(i: number, border: number, inside: number, group: string | null) {
  const pixels = Uint8Array.from({ length: 48 }, (_, k) => {
    const [y, x] = [Math.floor(k / 6), k % 6];
    return y === 0 || y === 7 || x === 0 || x === 5 ? border : inside;
  });
  return cell(i, { pixels, group });
}

/** 24 of the 48 pixels are within: the root mean square of the difference to the border. */
const contrastOf = (border: number, inside: number) => Math.abs(inside - border) / Math.SQRT2;

test('a session has the median level and contrast of its cells that are not rejected, whatever their class', () =>
  withFolder(async folder => {
    const path = join(folder, 'cells');
    const dataset = await Dataset.create(path, header());
    await dataset.append([
      boxed(0, 50, 60, 'a'),
      boxed(1, 52, 92, 'a'),
      boxed(2, 58, 78, 'a'),
      boxed(3, 200, 100, 'b'),
      boxed(4, 10, 250, 'a'),
      boxed(5, 120, 130, null),
      boxed(6, 7, 9, 'c'),
    ]);
    await dataset.writeVerdicts(
      [4, 6].map(id => ({ id, verdict: 'rejected' as const, reason: 'test', by: 'screen' as const })),
      {},
    );
    const images = dataset.images();
    const light = await images.lightOf(Int32Array.of(0, 1, 2, 4, 3, 5, 6));
    const a = [52, contrastOf(58, 78)];
    const expected = [
      a,
      a,
      a,
      a,
      [200, contrastOf(200, 100)],
      [120, contrastOf(120, 130)],
      [7, contrastOf(7, 9)],
    ];
    expect([...light]).toEqual(expected.flat().map(value => expect.closeTo(value, 3)));
    const loaded = await images.load(Int32Array.of(0), 'session');
    expect(loaded[0]).toBeCloseTo((50 - 52) / contrastOf(58, 78), 4);
    await dataset.close();
  }));
