import fc from 'fast-check';
import { expect, test } from 'vitest';
import { ImageSet } from '../../src/engine/imageSet.ts';
import { alignPairs, describeLikeness, likenessLength } from '../../src/engine/likeness.ts';
import { renderCells } from '../../src/engine/simulate.ts';
import { setThreads } from '../../src/engine/threads.ts';

const side = 64;
const shape = { channels: 1, height: side, width: side };

/** A blob with a bright spot off its middle, drawn about (x, y): no symmetry of its own. */
function drawCell(x: number, y: number, draw: (u: number, v: number) => [number, number] = (u, v) => [u, v]) {
  return Uint8Array.from({ length: side * side }, (_, i) => {
    const [u, v] = draw((i % side) - (side - 1) / 2, Math.floor(i / side) - (side - 1) / 2);
    const [dx, dy] = [u - x, v - y];
    const body = 110 * Math.exp(-((dx / 11) ** 2 + (dy / 7) ** 2));
    const spot = 70 * Math.exp(-(((dx - 6) / 3) ** 2 + ((dy - 3) / 3) ** 2));
    return Math.round(40 + body + spot);
  });
}

function setOf(...images: Uint8Array[]): ImageSet {
  const pixels = new Uint8Array(images.length * side * side);
  images.forEach((image, i) => {
    pixels.set(image, i * side * side);
  });
  return ImageSet.from(pixels, shape);
}

async function align(left: Uint8Array, right: Uint8Array, gate = 0.5) {
  const found = await alignPairs(setOf(left), Int32Array.of(0), setOf(right), Int32Array.of(0), gate);
  return Object.fromEntries(Object.entries(found).map(([name, column]) => [name, column[0]!]));
}

test('a turned copy is found at its angle', async () => {
  const turn = (degrees: number) => {
    const [c, s] = [Math.cos((degrees * Math.PI) / 180), Math.sin((degrees * Math.PI) / 180)];
    return (u: number, v: number): [number, number] => [c * u + s * v, -s * u + c * v];
  };
  for (const degrees of [0, 17, 90, -120]) {
    const found = await align(drawCell(2, -1), drawCell(2, -1, turn(degrees)));
    expect(found.correlation).toBeGreaterThan(0.998);
    expect(found.detail).toBeGreaterThan(0.995);
    expect(found.mirrored).toBe(0);
    expect(Math.abs(found.degrees! - degrees)).toBeLessThan(1.5);
    expect(Math.hypot(found.shiftX!, found.shiftY!)).toBeLessThan(0.02);
  }
});

test('a mirrored copy and a shifted one are found as such', async () => {
  const mirrored = await align(
    drawCell(2, -1),
    drawCell(2, -1, (u, v) => [-u, v]),
  );
  expect(mirrored).toMatchObject({ mirrored: 1 });
  expect(mirrored.correlation).toBeGreaterThan(0.998);
  const shifted = await align(drawCell(0, 0), drawCell(5, -3));
  expect(shifted.correlation).toBeGreaterThan(0.998);
  expect(shifted.shiftX! * side).toBeCloseTo(5, 0);
  expect(shifted.shiftY! * side).toBeCloseTo(-3, 0);
});

test('an enlarged and a reduced copy are found at their size', async () => {
  const resized = (size: number) =>
    align(
      drawCell(1, -2),
      drawCell(1, -2, (u, v) => [u / size, v / size]),
    );
  for (const size of [0.85, 1.2]) {
    const found = await resized(size);
    expect(found.scale! / size).toBeGreaterThan(0.98);
    expect(found.scale! / size).toBeLessThan(1.02);
    expect(found.correlation).toBeGreaterThan(0.998);
    expect(found.detail).toBeGreaterThan(0.995);
  }
  // A smooth cell that is hardly larger fits well enough as it is.
  const near = await resized(1.06);
  expect(near.scale).toBe(1);
  expect(near.correlation).toBeGreaterThan(0.99);
  expect((await align(drawCell(1, -2), drawCell(3, -1))).scale).toBe(1);
});

test('gain and offset of the gray values change nothing', async () => {
  const cell = drawCell(1, 1);
  const found = await align(
    cell,
    cell.map(value => 30 + value / 2),
  );
  expect(found.correlation).toBeGreaterThan(0.999);
});

test('distinct simulated cells do not pass for copies', async () => {
  const { pixels } = await renderCells({
    ...{ seed: 3, confounded: false, faults: 0, sessions: 4, weights: [1, 1, 1, 1] },
    ...{ first: 0, count: 60, size: [side, side] as const },
  });
  const set = ImageSet.from(pixels, shape);
  const rows = Int32Array.from({ length: 60 }, (_, i) => i);
  const others = rows.map(i => (i + 1) % 60);
  const found = await alignPairs(set, rows, set, others, 0);
  const own = await alignPairs(set, rows, set, rows, 0);
  for (let i = 0; i < 60; i++) {
    expect(found.detail[i]).toBeLessThan(0.98);
    expect(own.correlation[i]).toBeGreaterThan(0.9999);
  }
});

test('turning by a quarter and mirroring leave a description alone', async () => {
  await fc.assert(
    fc.asyncProperty(fc.integer({ min: -6, max: 6 }), fc.integer({ min: -6, max: 6 }), async (x, y) => {
      const images = setOf(
        drawCell(x, y),
        drawCell(x, y, (u, v) => [v, -u]),
        drawCell(x, y, (u, v) => [-u, v]),
        drawCell(-x, y + 2),
      );
      const described = await describeLikeness(images, Int32Array.of(0, 1, 2, 3));
      const apart = (a: number, b: number) =>
        Math.sqrt(
          Array.from({ length: likenessLength }, (_, i) => {
            return (described[a * likenessLength + i]! - described[b * likenessLength + i]!) ** 2;
          }).reduce((sum, one) => sum + one, 0),
        );
      expect(apart(0, 1)).toBeLessThan(1e-3);
      expect(apart(0, 2)).toBeLessThan(1e-3);
      expect(apart(0, 3)).toBeLessThan(0.05); // shifted
    }),
    { numRuns: 10, seed: 1 },
  );
});

test('flat images, one pixel, many channels and 16 bits give finite numbers', async () => {
  for (const one of [
    { channels: 1, height: 1, width: 1 },
    { channels: 3, height: 2, width: 90 },
    { channels: 1, height: 200, width: 7 },
  ]) {
    const size = one.channels * one.height * one.width;
    const pixels = Uint16Array.from({ length: 3 * size }, (_, i) => (i < size ? 900 : (i * 7919) % 65_536));
    const set = ImageSet.from(pixels, one);
    const rows = Int32Array.of(0, 1, 2);
    expect((await describeLikeness(set, rows)).every(Number.isFinite)).toBe(true);
    const found = await alignPairs(set, rows, set, Int32Array.of(1, 2, 0), -1);
    expect(Object.values(found).every(column => column.every(Number.isFinite))).toBe(true);
  }
});

test('descriptions and alignments are the same bits on any number of threads', async () => {
  const images = setOf(drawCell(0, 0), drawCell(3, 1), drawCell(-2, 4), drawCell(1, 1));
  const rows = Int32Array.of(0, 1, 2, 3);
  const run = async () => [
    await describeLikeness(images, rows),
    ...Object.values(await alignPairs(images, rows, images, Int32Array.of(1, 2, 3, -1), 0.3)),
  ];
  setThreads(1);
  const alone = await run();
  setThreads(3);
  expect(await run()).toEqual(alone);
  setThreads(2);
});

test('rows that are not there and uneven partners are refused', async () => {
  const images = setOf(drawCell(0, 0));
  await expect(describeLikeness(images, Int32Array.of(1))).rejects.toMatchObject({ code: 'option-invalid' });
  await expect(
    alignPairs(images, Int32Array.of(0, 0), images, Int32Array.of(0, 0, 0), 0),
  ).rejects.toMatchObject({ code: 'option-invalid' });
});
