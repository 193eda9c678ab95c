import { z } from 'zod';
import { Dataset, type Verdict } from '../dataset/dataset.ts';
import { qualityFeatures } from '../engine/prepare.ts';
import { BrightcellError } from '../errors.ts';
import { type Job, throwIfCancelled } from '../job.ts';
import { judgeByLabels, type Labels } from './learn.ts';
import { type Finding, findBeyond, findOutliers, type OwnLimit } from './limits.ts';
import { type Measurements, readMeasurements } from './measurements.ts';
import { type ScreenScore, scoreFindings } from './score.ts';

export const screenMethods = ['auto', 'classifier', 'limits'] as const;

export interface ScreenOptions {
  /**
   * 'classifier' learns from labelled good and bad images, 'limits' needs none; 'auto' takes the classifier where
   * at least 40 good and 40 bad images are labelled.
   */
  method?: (typeof screenMethods)[number];
  /**
   * Where labels come from: 'all' the truth that came with the images and verdicts by hand (the default), one of
   * the two, or 'none'.
   */
  labels?: 'all' | 'truth' | 'hand' | 'none';
  /** Share of the good images that may be lost, above 0 and at most 0.5; 0.015 by default. */
  goodLost?: number;
  /** Own limits in a feature's own unit, for all sessions; they replace the feature's session limits. */
  limits?: OwnLimit[];
  /** Whole number from 0; 0 by default. */
  seed?: number;
  /** Only report: write no verdict. */
  dryRun?: boolean;
}

export interface ScreenReport {
  method: 'classifier' | 'limits';
  /** Why this method, where 'auto' chose. */
  because: string;
  goodLost: number;
  cells: number;
  accepted: number;
  rejected: number;
  /** Of these, decided by a person. */
  byHand: { accepted: number; rejected: number };
  /** Automatic rejections by what was found, the most frequent first. */
  reasons: { kind: string; count: number }[];
  sessions: { session: string | null; cells: number; rejected: number }[];
  /**
   * Automatic verdicts against what is known of the images (truth and verdicts by hand), where anything is. No
   * image was judged by trees that had seen it.
   */
  score?: ScreenScore;
  /** Labelled images that the classifier learnt from. */
  learntFrom?: number;
  warnings: string[];
}

const leastLabelled = 40;

/**
 * Gives every image of a data set a verdict with its reason, from the quality features in the catalogue: no image
 * is read, so running it again with other thresholds is quick. Verdicts by hand stand. The same data, options and
 * seed give the same verdicts. Throws `option-invalid`, and what `Dataset.open` throws.
 */
export async function screen(
  path: string,
  options: ScreenOptions = {},
  job: Job = {},
): Promise<ScreenReport> {
  const checked = checkOptions(options);
  const dataset = await Dataset.open(path, checked.dryRun ? 'read' : 'write');
  try {
    const measured = await readMeasurements(dataset);
    throwIfCancelled(job);
    const { findings, report } = await judge(measured, checked, job);
    throwIfCancelled(job);
    if (!checked.dryRun)
      await dataset.writeVerdicts(toVerdicts(measured, findings), settingsOf(checked, report));
    return report;
  } finally {
    await dataset.close();
  }
}

type CheckedOptions = Required<ScreenOptions>;

const number = z.number().refine(Number.isFinite);
const optionsSchema = z.strictObject({
  method: z.enum(screenMethods).default('auto'),
  labels: z.enum(['all', 'truth', 'hand', 'none']).default('all'),
  goodLost: number.gt(0).max(0.5).default(0.015),
  limits: z
    .array(
      z.strictObject({
        feature: z.enum([...qualityFeatures]),
        below: number.optional(),
        above: number.optional(),
      }),
    )
    .default([]),
  seed: z.int().min(0).default(0),
  dryRun: z.boolean().default(false),
});

function checkOptions(options: ScreenOptions): CheckedOptions {
  const parsed = optionsSchema.safeParse(options);
  if (!parsed.success) {
    const issue = parsed.error.issues[0]!;
    const value = issue.path.reduce((inner: unknown, key) => (inner as never)?.[key], options);
    throw new BrightcellError(
      'option-invalid',
      `screen option ${issue.path.join('.') || '(name)'}: ${issue.message}. Received ${JSON.stringify(value) ?? String(value)}.`,
    );
  }
  if (parsed.data.method === 'classifier' && parsed.data.labels === 'none')
    throw new BrightcellError(
      'option-invalid',
      "method 'classifier' must have labels to learn from. Received labels 'none'. Remedy: method 'limits'.",
    );
  return parsed.data;
}

/** Judges from columns alone: what `screen` does between reading and writing. */
export async function judge(
  measured: Measurements,
  options: CheckedOptions,
  job: Job = {},
): Promise<{ findings: (Finding | null)[]; report: ScreenReport }> {
  const labels = readLabels(measured, options.labels);
  const choice = chooseMethod(options, labels);
  const learned =
    choice.method === 'classifier' ? await judgeByLabels(measured, labels, options, job) : undefined;
  const findings = learned
    ? withOwnLimits(measured, options, learned.findings)
    : await findOutliers(measured, options.goodLost, options.limits, job);
  const known = readLabels(measured, 'all');
  const score = scoreFindings(findings, known);
  const report: ScreenReport = {
    ...choice,
    goodLost: options.goodLost,
    ...count(measured, findings),
    ...(score && { score }),
    ...(learned && { learntFrom: learned.learntFrom }),
    warnings: [],
  };
  report.warnings.push(...warn(report, options));
  return { findings, report };
}

/** What is known of each image from the sources asked for; a verdict by hand outweighs the truth that came along. */
function readLabels(measured: Measurements, from: CheckedOptions['labels']): Labels {
  return measured.truth.map((truth, row) => {
    const hand = from === 'all' || from === 'hand' ? measured.byHand[row] : null;
    if (hand) return hand.rejected ? (hand.reason ?? 'rejected') : 'good';
    return from === 'all' || from === 'truth' ? truth : null;
  });
}

function chooseMethod(
  options: CheckedOptions,
  labels: Labels,
): { method: 'classifier' | 'limits'; because: string } {
  const good = labels.filter(label => label === 'good').length;
  const bad = labels.filter(label => label !== null && label !== 'good').length;
  const labelled = `${good} good and ${bad} bad images are labelled`;
  if (options.method === 'limits') return { method: 'limits', because: 'asked for' };
  const enough = good >= leastLabelled && bad >= leastLabelled;
  if (enough) return { method: 'classifier', because: labelled };
  if (options.method === 'classifier')
    throw new BrightcellError(
      'option-invalid',
      `method 'classifier' must have at least ${leastLabelled} good and ${leastLabelled} bad labelled images, but ` +
        `${labelled}. Remedy: method 'limits', or label more (reject and restore by hand, or a truth column).`,
    );
  return { method: 'limits', because: `only ${labelled}, ${leastLabelled} of each are needed` };
}

function withOwnLimits(
  measured: Measurements,
  options: CheckedOptions,
  findings: (Finding | null)[],
): (Finding | null)[] {
  const beyond = findBeyond(measured, options.limits);
  return findings.map((finding, row) => finding ?? beyond[row]!);
}

function count(
  measured: Measurements,
  findings: (Finding | null)[],
): Pick<ScreenReport, 'cells' | 'accepted' | 'rejected' | 'byHand' | 'reasons' | 'sessions'> {
  const byHand = { accepted: 0, rejected: 0 };
  const reasons = new Map<string, number>();
  const sessions = measured.sessions.map(session => ({ session, cells: 0, rejected: 0 }));
  for (const [row, finding] of findings.entries()) {
    const hand = measured.byHand[row];
    const rejected = hand ? hand.rejected : finding !== null;
    if (hand) byHand[hand.rejected ? 'rejected' : 'accepted']++;
    else if (finding) reasons.set(finding.kind, (reasons.get(finding.kind) ?? 0) + 1);
    const session = sessions[measured.session[row]!]!;
    session.cells++;
    if (rejected) session.rejected++;
  }
  const rejected = sessions.reduce((sum, session) => sum + session.rejected, 0);
  return {
    cells: measured.count,
    accepted: measured.count - rejected,
    rejected,
    byHand,
    reasons: [...reasons].map(([kind, total]) => ({ kind, count: total })).sort((a, b) => b.count - a.count),
    sessions,
  };
}

function warn(report: ScreenReport, options: CheckedOptions): string[] {
  const warnings: string[] = [];
  const share = report.rejected / report.cells;
  if (share > 0.3)
    warnings.push(
      `${Math.round(100 * share)} % of the images are rejected. Look at some (they stay listed) before going on; ` +
        'a smaller goodLost rejects fewer.',
    );
  if (report.method === 'classifier' && options.labels !== 'hand' && (report.learntFrom ?? 0) < 300)
    warnings.push(`Only ${report.learntFrom} labelled images to learn from: the figures are rough.`);
  return warnings;
}

function toVerdicts(measured: Measurements, findings: (Finding | null)[]): Verdict[] {
  return findings.flatMap((finding, row) =>
    measured.byHand[row]
      ? []
      : [
          {
            id: measured.id[row]!,
            verdict: finding ? ('rejected' as const) : ('accepted' as const),
            reason: finding?.reason ?? null,
            by: 'screen' as const,
          },
        ],
  );
}

function settingsOf(options: CheckedOptions, report: ScreenReport): Record<string, unknown> {
  const { method, goodLost, cells, rejected, score, learntFrom } = report;
  return { ...options, method, goodLost, cells, rejected, score, learntFrom };
}
