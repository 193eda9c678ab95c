import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { BrightcellError } from '../errors.ts';
import type { CompareReport } from '../study/compareReport.ts';
import { outcomesOf, partsOf } from '../study/volumeFiles.ts';
import type { VolumeReport } from '../study/volumeReport.ts';
import { type Html, html } from './html.ts';
import { overallTable, scoreTable } from './scoreTable.ts';
import { cautions, type Section, table } from './section.ts';
import type { Source } from './sources.ts';
import { type Budget, storedFigures } from './storedFigures.ts';
import { capital, count, countOf, duration, interval, score } from './words.ts';

/** Comparisons that were run: scores of all methods, tests of every pair, time and memory. */
export async function comparisonSection(sources: readonly Source[], budget: Budget): Promise<Section> {
  const body = [];
  for (const source of sources) {
    const report = await readReport<CompareReport>(source, 'comparison.json', comparisonShape);
    if (sources.length > 1) body.push(html`<h3>${source.name}</h3>`);
    body.push(html`${report.parts.map(comparedPart)}${costTable(report)}${cautions(report.cautions)}${failures(report)}
${await storedFigures(source.path, budget)}`);
  }
  return { id: 'comparison', title: 'Comparison of methods', body: html`${body}` };
}

const comparisonShape = z.object({
  classes: z.array(z.string()),
  trainingCells: z.number(),
  methods: z.array(z.object({ name: z.string() }).loose()),
  parts: z.array(
    z.object({
      part: z.string(),
      comparison: z.object({ methods: z.array(z.any()).min(1), pairs: z.array(z.any()) }).loose(),
    }),
  ),
  cautions: z.array(z.string()),
});

/** Table III is of the validation part, Table IV of the test part. */
function comparedPart({ part, comparison }: CompareReport['parts'][number]): Html {
  const cells = countOf(comparison.cells, `${part} cell`);
  const as =
    part === 'validation'
      ? ' (as Table III of Meng et al. 2019)'
      : part === 'test'
        ? ' (as Table IV of Meng et al. 2019)'
        : '';
  return html`<h3>${capital(part)} part</h3>
${scoreTable(`Scores of each class by each method, ${cells}${as}`, comparison.methods)}
${overallTable(`Over all classes, ${cells}`, comparison.methods)}
${
  comparison.pairs.length > 0 &&
  table(
    `Every pair, ${cells}: McNemar's test with Holm's correction, and the difference in accuracy with its 95 % interval`,
    [
      { title: 'First' },
      { title: 'Second' },
      { title: 'Only first right', numeric: true },
      { title: 'Only second right', numeric: true },
      { title: 'p, corrected', numeric: true },
      { title: 'Accuracy, first less second', numeric: true },
    ],
    comparison.pairs.map(one => [
      one.first,
      one.second,
      count(one.onlyFirst),
      count(one.onlySecond),
      one.adjustedP.toPrecision(2),
      html`${score(one.differences.accuracy.value)}<small>${interval(one.differences.accuracy.interval)}</small>`,
    ]),
  )
}
`;
}

function costTable({ methods, trainingCells }: CompareReport): Html {
  const megabytes = (bytes: number) => count(Math.round(bytes / 1e6));
  const rows = methods.flatMap(one =>
    'failure' in one
      ? []
      : [
          [
            one.name,
            one.fit ? duration(one.fit.seconds) : '–',
            one.fit ? megabytes(one.fit.peakBytes) : '–',
            duration(one.score.thousandSeconds),
            megabytes(one.score.peakBytes),
          ],
        ],
  );
  return table(
    `Time and memory, ${countOf(trainingCells, 'training cell')}`,
    [
      { title: 'Method' },
      { title: 'Fitting', numeric: true },
      { title: 'Memory, MB', numeric: true },
      { title: '1,000 predictions', numeric: true },
      { title: 'Memory, MB', numeric: true },
    ],
    rows,
  );
}

function failures({ methods }: CompareReport): Html {
  return cautions(
    methods.flatMap(one => ('failure' in one ? [`${one.name} failed: ${one.failure.message}`] : [])),
  );
}

/** Volume studies that were run; as Table II of Meng et al. 2019. */
export async function volumeSection(sources: readonly Source[], budget: Budget): Promise<Section> {
  const body = [];
  for (const source of sources) {
    const report = await readReport<VolumeReport>(source, 'volume.json', volumeShape);
    if (sources.length > 1) body.push(html`<h3>${source.name}</h3>`);
    body.push(html`${volumeTable(report)}${await storedFigures(source.path, budget)}`);
  }
  return { id: 'volume', title: 'What more images bring', body: html`${body}` };
}

const volumeShape = z.object({
  sizes: z.array(z.number()),
  seeds: z.array(z.number()),
  methods: z.array(z.object({ name: z.string() }).loose()),
  fits: z.array(z.object({ method: z.string(), size: z.number(), outcome: z.any() }).loose()),
});

/** Mean accuracy over the seeds by method, part and number of training images. */
function volumeTable(report: VolumeReport): Html {
  const rows = report.methods.flatMap(({ name }) =>
    partsOf(report).map(part => [
      `${name}, ${part}`,
      ...report.sizes.map(size => {
        const values = outcomesOf(report.fits, name, size).flatMap(one =>
          one.parts.filter(own => own.part === part).map(own => own.accuracy),
        );
        return values.length === 0 ? '–' : score(values.reduce((sum, one) => sum + one, 0) / values.length);
      }),
    ]),
  );
  return table(
    `Accuracy by number of training images, mean of ${countOf(report.seeds.length, 'seed')} (as Table II of Meng et al. 2019)`,
    [{ title: 'Method, part' }, ...report.sizes.map(size => ({ title: count(size), numeric: true }))],
    rows,
  );
}

/** Studies of loss functions that were run; as Fig. 7 of Meng et al. 2019. */
export async function lossSection(sources: readonly Source[], budget: Budget): Promise<Section> {
  const body = [];
  for (const { name, path } of sources)
    body.push(html`${sources.length > 1 && html`<h3>${name}</h3>`}${await storedFigures(path, budget)}`);
  return {
    id: 'losses',
    title: 'Loss functions',
    body: html`<p>Convergence with each loss (as Fig. 7 of Meng et al. 2019).</p>${body}`,
  };
}

/** Throws `report-source-invalid` where the file does not hold such a report. */
async function readReport<T>({ path }: Source, name: string, shape: z.ZodType): Promise<T> {
  const file = join(path, name);
  try {
    const json = JSON.parse(await readFile(file, 'utf8'));
    shape.parse(json);
    return json as T;
  } catch (cause) {
    throw new BrightcellError(
      'report-source-invalid',
      `${file} must hold what the command wrote there, and does not. Run the command again.`,
      { cause, fields: { path: file } },
    );
  }
}
