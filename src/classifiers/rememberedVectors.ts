// N images, D numbers a vector.
import { ImageSet } from '../engine/imageSet.ts';
import { vectorShape } from './makeVectors.ts';
import type { VectorSource } from './source.ts';

/**
 * A source that makes the vector of an image once and keeps it, for many fits on the same images of one set; pixels,
 * which nothing is made of, are handed on. The vectors it gives are copies. Whoever disposes of it leaves it as it is,
 * so that one fit after another may take it over; `forget` disposes of it.
 */
export function rememberVectors(inner: VectorSource): VectorSource & { forget(): void } {
  const known = new Map<number, Float32Array>();
  const D = inner.dimensions;
  return {
    hasUnits: inner.hasUnits,
    usesSessions: inner.usesSessions,
    dimensions: D,
    async vectors(images, rows, job) {
      const missing = rows.filter(row => !known.has(row));
      if (missing.length > 0) {
        const made = await inner.vectors(images, missing, job);
        if (made.values === null) return { ...made, rows };
        missing.forEach((row, i) => {
          known.set(row, made.values!.subarray(i * D, (i + 1) * D));
        });
      }
      const values = new Float32Array(rows.length * D);
      rows.forEach((row, i) => {
        values.set(known.get(row)!, i * D);
      });
      const set = ImageSet.from(values, vectorShape(D));
      return { set, rows: Int32Array.from(rows.keys()), values, release: () => set.close() };
    },
    one: image => inner.one(image),
    save: folder => inner.save(folder),
    dispose: () => {},
    forget() {
      known.clear();
      inner.dispose();
    },
  };
}
