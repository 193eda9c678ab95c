// From simulated images to an evaluated classifier in ten lines.
import { evaluate, importImages, screen, simulate, split, train } from 'brightcell';

await simulate('example/images', { cells: 600, seed: 1, images: true });
const { classes } = await importImages('example/images', 'example/cells', { size: [64, 64] });
await screen('example/cells');
await split('example/cells', { by: 'group', seed: 1 });
const { run } = await train('example/cells', { out: 'example/runs', epochs: 3, seed: 1 });
const { parts } = await evaluate(run, { splits: ['test'] });
const { cells, accuracy } = parts[0].scores;
console.log(`${cells} test cells of ${classes.length} classes: accuracy ${accuracy.toFixed(3)}`);
