import { isAbsolute, join } from 'node:path';
import { maybeReadReport } from '../methods/report.ts';
import { measureLayers, totalOf } from '../models/layerTable.ts';
import { readModel } from '../models/modelFolder.ts';
import { type Html, html } from './html.ts';
import { perRun } from './perRun.ts';
import { facts, missing, type Section, table } from './section.ts';
import { faultOf, type Subject } from './subject.ts';
import { judgedPart } from './verdict.ts';
import { command, count, countOf, listed, pathEnd, percent } from './words.ts';

/** A model card (Mitchell et al. 2019): what the model is for, what it learnt from, how good it is, where it ends. */
export async function modelCardSection(subjects: readonly Subject[]): Promise<Section> {
  const body = await perRun(subjects, async subject => html`${card(subject)}${await modelOf(subject)}`);
  return { id: 'model', title: 'Model card', body };
}

function card(subject: Subject): Html {
  const { folder, provenance, path } = subject;
  const classes = [...(provenance?.dataset.classes ?? judgedPart(subject)?.classes ?? [])];
  return facts('The model', [
    [
      'Model',
      html`${folder.network}${folder.finished ? '' : ', training not complete'}: <code>${join(pathEnd(path), 'model')}</code>`,
    ],
    [
      'For',
      `Naming images of single cells that were taken and prepared as those it learnt from: one of ${listed(classes)}.`,
    ],
    [
      'Not for',
      'Images of another instrument or setting, cells of other types (it names one of its classes all the same), and diagnosis.',
    ],
    [
      'Learnt from',
      `${provenance ? `A data set of ${countOf(provenance.dataset.cells, 'cell')}: ` : ''}${pathEnd(folder.dataset)}`,
    ],
    ['Measured', measured(subject)],
    ['Known limits', limits(subject)],
    ['Use', html`<code>${command('classify', pathEnd(path), 'IMAGES', '--out', 'predictions.csv')}</code>`],
  ]);
}

function measured(subject: Subject): string {
  const part = judgedPart(subject);
  if (!part) return 'Not yet: there is no evaluation.';
  const { scores } = part;
  return `${percent(scores.accuracy)} of ${countOf(scores.cells, `${part.part} cell`)} right; balanced accuracy ${percent(scores.balancedAccuracy)}, macro F score ${scores.macro.f1.toFixed(3)}.`;
}

function limits(subject: Subject): string {
  const part = judgedPart(subject);
  if (!part) return 'Not known.';
  const poor = part.scores.perClass.filter(one => one.support > 0 && (one.f1 ?? 0) < 0.7);
  const groups = new Set(part.group.filter(one => one !== null));
  return [
    poor.length > 0
      ? `F score below 0.7: ${listed(poor.map(one => `${one.class} (${(one.f1 ?? 0).toFixed(2)})`))}.`
      : 'No class has an F score below 0.7.',
    groups.size < 2
      ? 'Measured on one group of cells or on cells without groups: how the next run or donor would do is not known.'
      : `Measured on ${groups.size} groups.`,
  ].join(' ');
}

async function modelOf(subject: Subject): Promise<Html> {
  try {
    return subject.folder.isNetwork ? await layersOf(subject) : await settingsOf(subject);
  } catch (error) {
    return missing(`The model cannot be read: ${faultOf(error)}`);
  }
}

async function layersOf({ path }: Subject): Promise<Html> {
  const { description } = await readModel(join(path, 'model'));
  const rows = measureLayers(description.network);
  const body = rows.map(one => [
    `${one.index} ${one.type}`,
    one.settings,
    one.output.join(' x '),
    count(one.parameters),
    count(one.multiplyAdds),
  ]);
  const total = ['Total', '', '', count(totalOf(rows, 'parameters')), count(totalOf(rows, 'multiplyAdds'))];
  return table(
    `Layers for images of ${description.preparation.height} x ${description.preparation.width} pixels, normalised by ${description.normalisation}`,
    [
      { title: 'Layer' },
      { title: 'Settings' },
      { title: 'Output' },
      { title: 'Parameters', numeric: true },
      { title: 'Multiply-adds', numeric: true },
    ],
    [...body, total],
  );
}

async function settingsOf({ path }: Subject): Promise<Html> {
  const report = await maybeReadReport(path);
  if (!report) return missing('What fitting found is not noted: report.json is missing.');
  const found = Object.entries(report.facts).map(([name, value]) => [name, String(value)] as const);
  return facts('What fitting chose and found', [['Training cells', count(report.trainingCells)], ...found]);
}

/** Where each run comes from: data, settings, versions, machine, times. */
export async function provenanceSection(subjects: readonly Subject[]): Promise<Section> {
  const body = await perRun(subjects, subject => {
    const settings = table(
      'Settings in full (config.json)',
      [{ title: 'Setting' }, { title: 'Value' }],
      flatten(subject.config).map(([name, value]) => [name, value]),
    );
    return html`${origin(subject)}${settings}`;
  });
  return { id: 'provenance', title: 'Provenance', body };
}

function origin({ path, folder, provenance }: Subject): Html {
  if (!provenance) return missing('Where the run comes from is not noted: provenance.json is missing.');
  const { machine, versions, sessions, seed, precision } = provenance;
  return facts('The run', [
    ['Folder', html`<code>${pathEnd(path)}</code>`],
    ['Data set', html`<code>${pathEnd(folder.dataset)}</code>`],
    ['Its fingerprint', html`<code>${folder.fingerprint}</code>`],
    ['Seed', seed ?? 'none: chance plays no part'],
    ['Precision of products', precision ?? 'not a network'],
    ['Started', provenance.startedAt],
    ['Finished', provenance.finishedAt ?? 'not complete'],
    ['Sessions', sessions.length],
    ['Versions', `brightcell ${versions.brightcell}, Node ${versions.node}`],
    [
      'Machine',
      `${machine.processor}, ${countOf(machine.processors, 'processor')}, ${countOf(machine.threads, 'thread')}, ${(machine.memoryBytes / 2 ** 30).toFixed(1)} GiB, ${machine.system}`,
    ],
  ]);
}

/** {"a": {"b": 1}} -> [["a.b", "1"]]; of paths the end. */
function flatten(value: Record<string, unknown>, prefix = ''): [string, string][] {
  return Object.entries(value).flatMap(([name, one]) =>
    one !== null && typeof one === 'object' && !Array.isArray(one)
      ? flatten(one as Record<string, unknown>, `${prefix}${name}.`)
      : [[`${prefix}${name}`, JSON.stringify(withoutRoot(one)) ?? ''] as [string, string]],
  );
}

function withoutRoot(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withoutRoot);
  return typeof value === 'string' && isAbsolute(value) ? pathEnd(value) : value;
}
