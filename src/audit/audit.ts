import { mkdir } from 'node:fs/promises';
import { dirname, join, relative } from 'node:path';
import { Dataset } from '../dataset/dataset.ts';
import { BrightcellError } from '../errors.ts';
import { writeFigure } from '../figures/figure.ts';
import { writeDrawn } from '../figures/imageSheet.ts';
import { type Job, throwIfCancelled } from '../job.ts';
import { writeJson } from '../study/measureTask.ts';
import { writeTogether, writeWholeFile } from '../wholeFile.ts';
import type { AuditReport, PartMember } from './auditReport.ts';
import { openRun } from './openRun.ts';
import { type AuditOptions, type CheckedAudit, checkAuditOptions, chooseParts } from './options.ts';
import type { AuditedRun, AuditPart, PartReport } from './part.ts';
import { sumUp } from './verdict.ts';

/**
 * Asks whether figures made of a data set, and of a run trained on it, can be trusted: one part after another, and
 * writes `audit.json`, figures and tables, in `RUN/audit` or without a run in `DATASET/audit`. The data set and the
 * run are only read. Throws what opening them throws, `option-invalid`, `model-mismatch`, `disk-full`, `cancelled`.
 */
export async function audit(
  path: string,
  run: string | null = null,
  options: AuditOptions = {},
  job: Job = {},
): Promise<AuditReport> {
  const checked = checkAuditOptions(options);
  const { parts, leftOut } = chooseParts(checked.parts, run !== null);
  const dataset = await Dataset.open(path, 'read');
  try {
    const cells = (await dataset.cells()).count;
    if (cells === 0) throw noCells(path);
    const opened = run === null ? null : await openRun(run, dataset);
    try {
      const out = checked.out ?? join(run ?? path, 'audit');
      return await lookAtAll({ dataset, cells, run: opened, parts, leftOut, out }, checked, job);
    } finally {
      opened?.classifier.dispose();
    }
  } finally {
    await dataset.close();
  }
}

interface Subject {
  dataset: Dataset;
  cells: number;
  run: AuditedRun | null;
  parts: readonly AuditPart[];
  leftOut: string[];
  out: string;
}

async function lookAtAll(
  subject: Subject,
  { seed, cells, method }: CheckedAudit,
  job: Job,
): Promise<AuditReport> {
  const { dataset, run, parts, out } = subject;
  const started = performance.now();
  const looked: { report: PartReport; seconds: number }[] = [];
  for (const part of parts) {
    throwIfCancelled(job);
    const begun = performance.now();
    const report = await part.look(
      dataset,
      { seed, cells, run, ...(method !== undefined && { method }) },
      withStage(part, job),
    );
    looked.push({ report, seconds: (performance.now() - begun) / 1000 });
  }
  const reports = looked.map(one => one.report);
  const members: AuditReport['members'] = {};
  const report: AuditReport = {
    ...{ dataset: dataset.path, fingerprint: await dataset.fingerprint(), run: run?.path ?? null },
    ...{ classes: [...dataset.header.classes], cells: subject.cells, seed },
    ...sumUp(reports),
    ...{ asked: reports.map(one => one.name), notAsked: subject.leftOut, members },
    ...{ out, files: [], seconds: (performance.now() - started) / 1000 },
  };
  report.files = await writeTogether(out, async folder => {
    for (const { report: one, seconds } of looked) members[one.name] = await writePart(one, seconds, folder);
    await writeJson(join(folder, 'audit.json'), asFile(report));
  });
  return report;
}

/** Progress of a part, under its name. */
function withStage({ name }: AuditPart, job: Job): Job {
  if (!job.onProgress) return job;
  return {
    ...job,
    onProgress: progress => job.onProgress!({ ...progress, stage: `${name}: ${progress.stage}` }),
  };
}

async function writePart(report: PartReport, seconds: number, out: string): Promise<PartMember> {
  const figures: string[] = [];
  await mkdir(join(out, 'figures'), { recursive: true });
  for (const { name, figure } of report.figures) {
    const paths = await writeFigure(join(out, 'figures'), name, figure);
    figures.push(...paths.map(one => relative(out, one)));
  }
  for (const drawn of report.drawn ?? []) {
    const paths = await writeDrawn(join(out, 'figures'), drawn);
    figures.push(...paths.map(one => relative(out, one)));
  }
  for (const { name, content } of report.files) {
    await mkdir(dirname(join(out, name)), { recursive: true });
    await writeWholeFile(join(out, name), content);
  }
  const { verdict, warning, findings } = report;
  return { verdict, warning, findings, figures, files: report.files.map(one => one.name), seconds };
}

/** What audit.json holds: the parts as members of their own, and no paths of this machine but the subject's. */
function asFile({ members, files: _files, out: _out, ...rest }: AuditReport): Record<string, unknown> {
  return { ...rest, ...members };
}

function noCells(path: string): BrightcellError {
  return new BrightcellError(
    'option-invalid',
    `${path} must have labelled cells that screening has not rejected. It has none: import with labels, or restore some.`,
    { fields: { path } },
  );
}
