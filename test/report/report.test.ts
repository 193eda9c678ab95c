import { mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parseHTML } from 'linkedom';
import sharp from 'sharp';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { train } from '../../src/methods/train.ts';
import { report } from '../../src/report/report.ts';
import { evaluate } from '../../src/study/evaluateRun.ts';
import { mixSeed } from '../../src/train/seed.ts';
import { makeToy, type Toy } from '../train/toyDataset.ts';

const hostile = [
  '<script>alert("a")</script>',
  `"onload='alert(1)' x="</title></style></template>`,
  'a very long class name, longer than any table or figure has room for, and with & in it',
];

let toy: Toy;
let run: string;
beforeAll(async () => {
  toy = await makeToy([24, 10, 10], { classes: hostile, discs: true });
  ({ run } = await train(toy.dataset, { model: 'centroid', out: toy.runs, name: '<i>run' }));
});
afterAll(() => toy.remove());

async function read(paths: string[], options: Parameters<typeof report>[1] = {}) {
  const made = await report(paths, { explain: false, ...options });
  const text = await readFile(made.out, 'utf8');
  return { made, text, document: parseHTML(text).document };
}

describe('a run without an evaluation', () => {
  test('gets a report that says so and how to make one', async () => {
    const { made, document } = await read([run]);
    expect(made.out).toBe(join(run, 'report.html'));
    const notes = [...document.querySelectorAll('#scores ~ .missing')].map(one => one.textContent);
    expect(notes.join()).toContain('has not been evaluated');
    expect(notes.join()).toContain(`brightcell evaluate '${run}'`);
  });
});

describe('a run with an evaluation', () => {
  beforeAll(() => evaluate(run));

  test('names that hold markup stay text: no element, no attribute and no script comes of them', async () => {
    const { text, document } = await read([run]);
    expect(document.querySelectorAll('script').length).toBe(1);
    expect(document.querySelectorAll('[onload]').length).toBe(0);
    expect(text).not.toContain('<script>alert');
    expect(text).not.toContain('<i>run');
    const heads = [...document.querySelectorAll('.confusion thead th')].map(one => one.textContent);
    expect(heads).toEqual(hostile);
  });

  test('the page may load nothing: its policy allows images within it, one style and one script', async () => {
    const { text, document } = await read([run]);
    const policy = document
      .querySelector('meta[http-equiv="Content-Security-Policy"]')!
      .getAttribute('content');
    expect(policy).toMatch(
      /^default-src 'none'; img-src data:; style-src 'sha256-[^']+'; script-src 'sha256-[^']+';/,
    );
    expect(text).not.toMatch(/(src|href)="(?!data:|#)/);
  });

  test('every image behind a confusion cell is there, and the cells add up to the part', async () => {
    const { document } = await read([run]);
    const buttons = [...document.querySelectorAll('.confusion button')];
    const cells = buttons.map(one => Number(one.firstChild!.textContent!.replace(',', '')));
    expect(cells.reduce((sum, one) => sum + one)).toBe(30);
    for (const [i, button] of buttons.entries()) {
      const template = document.getElementById(button.getAttribute('data-cells')!)!;
      expect(template.querySelectorAll('img').length).toBe(Math.min(24, cells[i]!));
    }
  });

  test('a data set that is gone is named, and the figures that need none are there', async () => {
    await rename(toy.dataset, `${toy.dataset}-moved`);
    const gone = await read([run]);
    expect(gone.document.querySelector('#data ~ .missing')!.textContent).toContain('cannot be read');
    expect(gone.document.querySelectorAll('.confusion td').length).toBe(10);
    expect(gone.document.querySelectorAll('.confusion button').length).toBe(0);
    const moved = await read([run], { dataset: `${toy.dataset}-moved` });
    expect(moved.document.querySelectorAll('.confusion button').length).toBeGreaterThan(2);
    await rename(`${toy.dataset}-moved`, toy.dataset);
  });

  test('holds no path of the machine that it was made on', async () => {
    const { text } = await read([run]);
    expect(text.replaceAll(/<code>brightcell .*?<\/code>/g, '')).not.toContain(toy.folder);
    expect(text).toContain('<code>cells</code>');
  });

  test('of a data set that was replaced by one of the same size shows no images behind the numbers, and says so', async () => {
    const aside = `${toy.dataset}-aside`;
    const other = await makeToy([10, 24, 10], { classes: hostile, discs: true });
    await rename(toy.dataset, aside);
    await rename(other.dataset, toy.dataset);
    const { document } = await read([run]);
    expect(document.querySelectorAll('.confusion button').length).toBe(0);
    for (const section of ['confusion', 'data'])
      expect(document.querySelector(`section[aria-labelledby="${section}"]`)!.textContent).toMatch(
        section === 'data'
          ? 'has changed since the training'
          : /cell \d+ was .* the data set has been replaced/,
      );
    await rm(toy.dataset, { recursive: true });
    await rename(aside, toy.dataset);
    await other.remove();
  });

  test('several runs stand side by side in one table', async () => {
    const second = await train(toy.dataset, { model: 'knn', out: toy.runs, name: 'second' });
    await evaluate(second.run);
    const out = join(toy.folder, 'both.html');
    const { document, made } = await read([run, second.run], { out, title: 'Two' });
    expect(made.runs).toEqual([run, second.run]);
    expect(document.querySelector('h1')!.textContent).toBe('Two');
    const methods = [...document.querySelectorAll('.scores tbody:first-of-type th[scope="row"]')].map(
      one => one.textContent,
    );
    expect(methods.slice(0, 2)).toEqual(['<i>run', 'second']);
  });

  test('an audit beside the run speaks in the verdict and in its section', async () => {
    const audit = join(run, 'audit');
    await mkdir(audit);
    const shortcut = { name: 'shortcut', verdict: 'The <b>background</b> alone gives 91 %.', warning: true };
    await writeFile(join(audit, 'audit.json'), JSON.stringify({ confounded: true, shortcut }));
    const { document, made } = await read([run]);
    expect(made.audits).toEqual([audit]);
    expect(document.querySelector('.verdict')!.textContent).toContain('confounded');
    const section = document.querySelector('section[aria-labelledby="audit"]')!;
    expect(section.textContent).toContain('The <b>background</b> alone gives 91 %.');
    await rm(audit, { recursive: true });
  });
});

test('a report that would be larger is shrunk below 10 MB, with every figure, class and confusion cell still there', async () => {
  const names = Array.from({ length: 9 }, (_, k) => `kind ${k}`);
  const large = await makeToy([10, 2, 110], { classes: names, side: 128 });
  const made = await train(large.dataset, { model: 'pixels+centroid', out: large.runs, name: 'large' });
  await evaluate(made.run);
  const figures = join(made.run, 'explain', 'occlusion', 'figures');
  await mkdir(figures, { recursive: true });
  await writeFile(join(figures, '..', 'occlusion.json'), '{}');
  const noise = Uint8Array.from({ length: 3 * 800 * 600 }, (_, i) => mixSeed(i, 3));
  const png = await sharp(noise, { raw: { width: 800, height: 600, channels: 3 } })
    .png()
    .toBuffer();
  for (let i = 0; i < 10; i++) await writeFile(join(figures, `sheet-${i}.png`), png);
  const { made: page, document } = await read([made.run]);
  expect(page.bytes).toBeLessThan(10_000_000);
  const saved = [...document.querySelectorAll('a[data-save]')].map(one => one.getAttribute('download'));
  for (let i = 0; i < 10; i++) expect(saved).toContain(`occlusion-sheet-${i}.svg`);
  expect(
    [...document.querySelectorAll('.examples tr')].map(row => row.querySelectorAll('img').length > 0),
  ).toEqual(names.map(() => true));
  const buttons = [...document.querySelectorAll('.confusion button')];
  const behind = buttons.map(one => document.getElementById(one.getAttribute('data-cells')!)!);
  expect(Math.min(...behind.map(one => one.querySelectorAll('img').length))).toBeGreaterThan(0);
  expect(behind.some(one => /\d+ of \d+ are in this report/.test(one.textContent!))).toBe(true);
  // All that it would have shown weighs more.
  const shown = behind.reduce((sum, one) => sum + one.querySelectorAll('img').length, 0);
  const cells = buttons.reduce((sum, one) => sum + Number(one.firstChild!.textContent), 0);
  expect(cells).toBe(990);
  expect(shown).toBeLessThan(450);
  await large.remove();
}, 120_000);

test('a folder of no known kind, and a damaged comparison, are named', async () => {
  await expect(report([toy.folder])).rejects.toMatchObject({ code: 'run-missing' });
  const damaged = join(toy.folder, 'damaged');
  await mkdir(damaged);
  await writeFile(join(damaged, 'comparison.json'), '{"parts": 3}');
  await expect(report([damaged])).rejects.toMatchObject({ code: 'report-source-invalid' });
});
