// Appends cells that follow from their number, as cells.ts makes them, and says how many are committed, until
// it is killed. Arguments: the built dataset.js, the data set.
const [, , library, path] = process.argv;
const { Dataset } = await import(library);
const { qualityFeatures } = await import(new URL('../engine/prepare.js', `file://${library}`).href);

const dataset = await Dataset.open(path, 'write');
for (let first = dataset.count; ; first = dataset.count) {
  const length = 1 + ((first * 7) % 40);
  await dataset.append(Array.from({ length }, (_, i) => cell(first + i)));
  console.log(dataset.count);
}

function cell(i) {
  return {
    pixels: Uint8Array.from({ length: 48 }, (_, k) => (i * 31 + k * 7) % 251),
    label: i % 2,
    group: null,
    source: `images/${i}.png`,
    frame: 0,
    rawHeight: 20,
    rawWidth: 100,
    quality: new Float32Array(qualityFeatures.length),
  };
}
