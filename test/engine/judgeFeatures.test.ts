import { describe, expect, test } from 'vitest';
import { findCells, measureFeatures } from '../../src/engine/features.ts';
import { ImageSet } from '../../src/engine/imageSet.ts';
import { featureNames } from '../../src/features/definitions.ts';
import fixture from './fixtures/features.json' with { type: 'json' };

/** Features that the fixture leaves to closed forms, or to what an image of one whole cell cannot show. */
const elsewhere =
  /^(lobes\d|roughness|radius|borderContact|offCentre|objectCount|otherArea|backgroundDeviation)/;

/** scikit-image interpolates local binary patterns in floats, which decides near ties otherwise. */
const toleranceOf = (name: string) => (name.startsWith('pattern') ? 0.02 : 2e-6);

/** The case as an image set of one image, and its mask. */
function open({ pixels, mask, pixelType }: (typeof fixture.cases)[number]) {
  const bytes = Uint8Array.from(Buffer.from(pixels, 'base64'));
  const values = pixelType === 'uint16' ? new Uint16Array(bytes.buffer) : bytes;
  const bits = Buffer.from(mask, 'base64');
  const shape = { channels: 1, height: fixture.side, width: fixture.side };
  return {
    images: ImageSet.from(values, shape),
    mask: Uint8Array.from({ length: fixture.side ** 2 }, (_, i) => (bits[i >> 3]! >> (7 - (i & 7))) & 1),
  };
}

describe(`features against ${fixture.by}`, () => {
  test.each(fixture.cases.map(one => [one.title, one] as const))('%s', async (_title, one) => {
    const { images, mask } = open(one);
    expect(await findCells(images, Int32Array.of(0))).toEqual(mask);
    const values = await measureFeatures(images, Int32Array.of(0));
    images.close();
    const expected = one.expected as Record<string, number>;
    const wrong = featureNames(1)
      .map((name, f) => ({ name, received: values[f]!, expected: expected[name] }))
      .filter(({ name }) => !elsewhere.test(name))
      .filter(
        ({ name, received, expected: value }) =>
          !(Math.abs(received - value!) <= toleranceOf(name) * (1 + Math.abs(value!))),
      );
    expect(wrong).toEqual([]);
  });
});
