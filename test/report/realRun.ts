import { existsSync, readFileSync } from 'node:fs';
import { mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { split } from '../../src/dataset/split.ts';
import { importImages } from '../../src/import/importImages.ts';
import { train } from '../../src/methods/train.ts';
import { screen } from '../../src/screen/screen.ts';
import { evaluate } from '../../src/study/evaluateRun.ts';
import { root } from '../house/files.ts';

export type RealSet = 'flowcam' | 'mitocheck';

const folderOf = (name: RealSet) => join(root, '../shared/data', name);

/** Real images are left out where there are none, but not under CI. */
export const hasRealImages = existsSync(folderOf('flowcam')) || process.env.CI !== undefined;

/** A network of two epochs on some dozen real cells of each class, evaluated. */
export async function makeRealRun(name: RealSet, perClass: number) {
  const folder = await mkdtemp(join(tmpdir(), `brightcell-${name}-`));
  await symlink(join(folderOf(name), 'images'), join(folder, 'images'));
  const [header, ...rows] = readFileSync(join(folderOf(name), 'cells.csv'), 'utf8')
    .trim()
    .split('\n');
  const counts = new Map<string, number>();
  const kept = rows.filter(row => {
    const label = row.split(',')[1]!;
    counts.set(label, (counts.get(label) ?? 0) + 1);
    return counts.get(label)! <= perClass;
  });
  await writeFile(join(folder, 'cells.csv'), `${[header, ...kept].join('\n')}\n`);
  const dataset = join(folder, 'cells');
  const { classes } = await importImages(join(folder, 'cells.csv'), dataset, { size: [48, 48] });
  await screen(dataset);
  await split(dataset, { seed: 1 });
  const { run } = await train(dataset, { out: join(folder, 'runs'), name, epochs: 2, seed: 1 });
  await evaluate(run);
  return {
    ...{ folder, dataset, run, classes: classes.map(one => one.name) },
    remove: () => rm(folder, { recursive: true, force: true }),
  };
}
