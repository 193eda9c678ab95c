import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { prepareImage, qualityFeatures } from '../../src/engine/prepare.ts';

const [height, width] = [60, 120];

/** An image of discs of radius 12, their brightness changed by `lift`, on a noisy striped background. */
async function measure(
  discs: [x: number, y: number, lift: number, radius?: number][],
  blur = 1,
): Promise<Record<string, number>> {
  let state = 1;
  const noise = () => ((state = (state * 48271) % 2147483647) / 2147483647 - 0.5) * 8;
  const pixels = Uint8Array.from({ length: height * width }, (_, i) => {
    const [y, x] = [Math.floor(i / width), i % width];
    const cell = discs.reduce((sum, [cx, cy, lift, radius = 12]) => {
      const distance = Math.hypot(x - cx, y - cy) - radius;
      const [u, v] = [x - cx, y - cy]; // a texture without a period, which would be its own echo
      const texture = 0.6 + 0.4 * Math.sin(0.05 * u * u + 0.3 * v) * Math.cos(0.04 * v * v - 0.2 * u);
      return sum + (lift * texture) / (1 + Math.exp(distance / blur));
    }, 0);
    return 120 + 5 * Math.sin(x * 1.3) + 4 * Math.cos(y * 0.9) + noise() + cell;
  });
  const raw = { pixels, height, width, channels: 1 };
  const { quality } = await prepareImage(raw, { height: 8, width: 8, channels: 'gray', fit: 'stretch' });
  return Object.fromEntries(qualityFeatures.map((name, i) => [name, quality[i]!]));
}

test('every feature is documented', () => {
  const page = readFileSync(new URL('../../docs/screening.md', import.meta.url), 'utf8');
  for (const name of qualityFeatures) expect(page).toContain(`\`${name}\``);
});

test.each([80, -80])('a cell is measured alike whether it is bright or dark (%i)', async lift => {
  const cell = await measure([[60, 30, lift]]);
  expect(cell.area).toBeGreaterThan(0.85 * Math.PI * 144);
  expect(cell.area).toBeLessThan(1.4 * Math.PI * 144);
  expect(cell.aspect).toBeCloseTo(1, 1);
  expect(cell.solidity).toBeGreaterThan(0.9);
  expect(cell.objectCount).toBe(1);
  expect(cell.borderContact).toBe(0);
  expect(cell.backgroundLevel).toBeCloseTo(120 / 255, 1);
});

test('each fault moves the feature that is named for it', async () => {
  const good = await measure([[60, 30, 80]]);
  const cut = await measure([[2, 30, 80]]);
  expect(cut.borderContact).toBeGreaterThan(0.15);
  expect(cut.borderSignal!).toBeGreaterThan(3 * good.borderSignal!);
  const two = await measure([
    [40, 30, 80],
    [85, 30, 80],
  ]);
  expect(two.objectCount).toBe(2);
  expect(two.secondArea).toBeGreaterThan(0.8);
  expect(two.faintSolidity!).toBeLessThan(good.faintSolidity! - 0.1);
  const ghost = await measure([
    [50, 30, 80],
    [68, 30, 40],
  ]);
  expect(ghost.ghost!).toBeGreaterThan(good.ghost! + 0.1);
  const debris = await measure([
    [60, 30, 80],
    [90, 15, 80, 3],
  ]);
  expect(debris.faintCount).toBe(2);
  expect(debris.debrisArea).toBeGreaterThan(0.02);
  const empty = await measure([]);
  expect(empty.signalToNoise!).toBeLessThan(good.signalToNoise! / 5);
  const soft = await measure([[60, 30, 80]], 5);
  expect(soft.edgeSharpness!).toBeLessThan(good.edgeSharpness!);
});

test('saturation counts the ends of the scale, also of fewer bits than the pixels have', async () => {
  const pixels = Uint16Array.of(0, 0, 4095, 2000, 100, 4095, 4095, 7);
  const raw = { pixels, height: 2, width: 4, channels: 1 };
  const { quality } = await prepareImage(raw, { height: 2, width: 2, channels: 'gray', fit: 'stretch' });
  expect(quality[qualityFeatures.indexOf('saturatedLow')]).toBeCloseTo(2 / 8, 6);
  expect(quality[qualityFeatures.indexOf('saturatedHigh')]).toBeCloseTo(3 / 8, 6);
});
