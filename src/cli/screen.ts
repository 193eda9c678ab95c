import { type Command, InvalidArgumentError, Option } from 'commander';
import { BrightcellError } from '../errors.ts';
import type { Rejected } from '../screen/hand.ts';
import type { OwnLimit } from '../screen/limits.ts';
import type { ScreenOptions, ScreenReport } from '../screen/screen.ts';
import { listOf, realNumber, wholeNumber } from './numbers.ts';
import { perform } from './perform.ts';
import { countOf, formatCount, formatPercent } from './text.ts';

/** Adds `brightcell screen`. */
export function addScreen(program: Command): void {
  program
    .command('screen')
    .description('Reject spoiled images, with reasons; list them, bring them back, reject others by hand.')
    .argument('<dataset>', 'data set folder')
    .addOption(new Option('--method <name>', 'how to tell good from bad (default: auto)').choices(methods))
    .addOption(
      new Option('--labels <from>', 'known good and bad images to learn from (default: all)').choices(labels),
    )
    .option(
      '--good-lost <share>',
      'share of good images that may be lost (default: 0.015)',
      realNumber(0, 0.5, { open: 'below' }),
    )
    .option('--limit <rule>', 'a limit of your own, such as "focus<0.2"; may be repeated', addLimit)
    .option('--seed <n>', 'the same seed gives the same verdicts (default: 0)', wholeNumber(0))
    .option('--dry-run', 'only report: change no verdict')
    .option('--list [n]', 'list rejected images with reasons (default: the first 50)', wholeNumber(1))
    .option('--restore <ids>', 'bring images back by hand: 3,17', listOf(wholeNumber(0)))
    .option('--reject <ids>', 'reject images by hand: 3,17', listOf(wholeNumber(0)))
    .option('--release <ids>', 'take verdicts by hand back: 3,17', listOf(wholeNumber(0)))
    .option('--reason <text>', 'why --reject; a fault kind is best: later screening learns it')
    .addHelpText(
      'after',
      '\nExamples:\n  $ brightcell screen cells\n  $ brightcell screen cells --list 20\n  $ brightcell screen cells --restore 3,17',
    )
    .action((dataset: string, flags: ScreenFlags, command: Command) => act(dataset, flags, command));
}

const methods: NonNullable<ScreenOptions['method']>[] = ['auto', 'classifier', 'limits'];
const labels: NonNullable<ScreenOptions['labels']>[] = ['all', 'truth', 'hand', 'none'];

interface ScreenFlags extends Omit<ScreenOptions, 'limits'> {
  limit?: OwnLimit[];
  list?: number | true;
  restore?: number[];
  reject?: number[];
  release?: number[];
  reason?: string;
}

async function act(dataset: string, flags: ScreenFlags, command: Command): Promise<void> {
  const { limit, list, restore, reject, release, reason, ...settings } = flags;
  checkTogether(flags);
  const hand = () => import('../screen/hand.ts');
  if (list !== undefined) {
    return perform(command, {
      work: async () => (await hand()).listRejected(dataset, { limit: list === true ? 50 : list }),
      print: rejected => printRejected(rejected),
    });
  }
  if (restore || reject || release) {
    const ids = (restore ?? reject ?? release)!;
    return perform(command, {
      work: async () => {
        const { restore: bringBack, reject: refuse, release: takeBack } = await hand();
        if (restore) await bringBack(dataset, ids);
        else if (reject) await refuse(dataset, ids, reason!);
        else await takeBack(dataset, ids);
        return { dataset, [restore ? 'restored' : reject ? 'rejected' : 'released']: ids };
      },
      print: () =>
        `${restore ? 'Brought back' : reject ? 'Rejected' : 'Left to screening again'}: ${ids.join(', ')}.`,
    });
  }
  return perform(command, {
    work: async job =>
      (await import('../screen/screen.ts')).screen(
        dataset,
        { ...settings, ...(limit && { limits: limit }) },
        job,
      ),
    print: printScreening,
    next: () => ['split', dataset],
    stopped: () => 'The verdicts before stand.',
  });
}

function checkTogether({ list, restore, reject, release, reason }: ScreenFlags): void {
  const actions = [list, restore, reject, release].filter(action => action !== undefined);
  const wrong =
    actions.length > 1
      ? 'One of --list, --restore, --reject and --release is possible at a time.'
      : reject && !reason
        ? '--reject must have a --reason, such as --reason debris.'
        : reason !== undefined && !reject
          ? '--reason belongs to --reject.'
          : undefined;
  if (wrong) throw new BrightcellError('option-invalid', wrong);
}

function addLimit(text: string, before: OwnLimit[] = []): OwnLimit[] {
  const match = /^\s*(\w+)\s*([<>])\s*(\S+)\s*$/.exec(text);
  const value = Number(match?.[3]);
  if (!match || !Number.isFinite(value))
    throw new InvalidArgumentError('It must look like "focus<0.2" or "area>900".');
  return [...before, { feature: match[1]!, [match[2] === '<' ? 'below' : 'above']: value }];
}

/** A screening as a person reads it. */
export async function printScreening(report: ScreenReport): Promise<string> {
  const { drawTable } = await import('./table.ts');
  const { cells, accepted, rejected, byHand } = report;
  const lines = [
    `Screened ${countOf(cells, 'image')}: ${formatCount(accepted)} accepted, ` +
      `${formatCount(rejected)} rejected (${formatPercent(rejected / Math.max(1, cells))}).`,
    `By ${methodWords[report.method]}: ${report.because}.`,
  ];
  if (byHand.accepted + byHand.rejected > 0) {
    lines.push(
      `By hand: ${formatCount(byHand.accepted)} accepted, ${formatCount(byHand.rejected)} rejected.`,
    );
  }
  if (report.reasons.length > 0) {
    lines.push(
      '',
      drawTable(
        ['Reason', 'Images'],
        report.reasons.map(({ kind, count }) => [kind, formatCount(count)]),
      ),
    );
  }
  if (report.score) lines.push('', ...printKnown(report.score, drawTable));
  lines.push(...report.warnings.map(warning => `Warning: ${warning}`));
  return lines.join('\n');
}

const methodWords = {
  classifier: 'a classifier of known good and bad images',
  limits: 'limits for each session',
};

type DrawTable = typeof import('./table.ts')['drawTable'];

function printKnown(score: NonNullable<ScreenReport['score']>, drawTable: DrawTable): string[] {
  const rows = score.kinds.map(({ kind, count, found, foundShare }) => [
    kind,
    formatCount(count),
    formatCount(found),
    formatPercent(foundShare),
  ]);
  return [
    `Against what is known: ${formatPercent(score.badFoundShare)} of ${formatCount(score.bad)} bad found, ` +
      `${formatPercent(score.goodLostShare)} of ${formatCount(score.good)} good lost.`,
    drawTable(['Fault', 'Images', 'Found', 'Share'], rows),
  ];
}

async function printRejected(rejected: Rejected[]): Promise<string> {
  if (rejected.length === 0) return 'Nothing is rejected.';
  const { drawTable } = await import('./table.ts');
  return drawTable(
    ['Source', 'Id', 'By', 'Reason'],
    rejected.map(({ source, frame, id, by, reason }) => [
      frame > 0 ? `${source} page ${frame + 1}` : source,
      id,
      by,
      reason ?? '-',
    ]),
    [0, 2, 3],
  );
}
