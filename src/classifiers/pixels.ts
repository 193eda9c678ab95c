import type { StoredImages, VectorSource } from './source.ts';

/** The stored image itself as the vector: no number is copied. */
export function createPixels({ shape }: StoredImages): VectorSource {
  return {
    hasUnits: false,
    dimensions: shape.channels * shape.height * shape.width,
    vectors: async (images, rows) => ({ set: images, rows, values: null, release: () => {} }),
    one: image => image,
    save: async () => ({ name: 'pixels' }),
    dispose: () => {},
  };
}
