// M methods, K classes.
import type { ClassScores, Scores } from '../evaluate/score.ts';
import { type Html, html } from './html.ts';
import { scrolling } from './section.ts';
import { count, interval, score } from './words.ts';

export interface MethodScores {
  method: string;
  scores: Scores;
  /** 95 % intervals by the figure's name; those of `scores` are shown where there are none. */
  intervals?: Record<string, readonly [number, number] | null>;
}

const measurements: {
  name: string;
  of: (one: ClassScores) => number | null;
  ends?: 'precisionInterval' | 'recallInterval';
}[] = [
  { name: 'Precision', of: one => one.precision, ends: 'precisionInterval' },
  { name: 'Recall', of: one => one.recall, ends: 'recallInterval' },
  { name: 'F score', of: one => one.f1 },
  { name: 'ROC-AUC', of: one => one.rocAuc },
];

const mostColumns = 6;

/**
 * Precision, recall, F score and ROC-AUC of each class by each method, as Tables III and IV of Meng et al. 2019: a column
 * a class; of more than six classes a row a class. Best in bold, second underlined where there are several methods.
 */
export function scoreTable(caption: string, methods: readonly MethodScores[]): Html {
  const classes = methods[0]!.scores.perClass;
  const body = classes.length <= mostColumns ? byMeasurement(methods) : byClass(methods);
  const several = methods.length > 1 ? ' Best in bold, second underlined.' : '';
  return scrolling(
    caption,
    html`<table class="scores"><caption>${caption}.${several}</caption>${body}</table>`,
  );
}

function byMeasurement(methods: readonly MethodScores[]): Html {
  const classes = methods[0]!.scores.perClass;
  const head = classes.map(
    one => html`<th scope="col" class="n">${one.class}<small> ${count(one.support)}</small></th>`,
  );
  const bodies = measurements.map(({ name, of, ends }) => {
    const rows = methods.map(({ method, scores }, m) => {
      const cells = scores.perClass.map((one, k) =>
        cell(of(one), rankAmong(methods, k, of, m), methods.length === 1 && ends ? one[ends] : null),
      );
      const first = m === 0 && html`<th scope="rowgroup" rowspan="${methods.length}">${name}</th>`;
      return html`<tr>${first}<th scope="row">${method}</th>${cells}</tr>`;
    });
    return html`<tbody>${rows}</tbody>`;
  });
  return html`<thead><tr><th scope="col">Measurement</th><th scope="col">Method</th>${head}</tr></thead>${bodies}`;
}

function byClass(methods: readonly MethodScores[]): Html {
  const classes = methods[0]!.scores.perClass;
  const several = methods.length > 1;
  const top = measurements.map(
    ({ name }) => html`<th scope="colgroup" colspan="${methods.length}" class="n">${name}</th>`,
  );
  const below = measurements.map(() =>
    methods.map(({ method }) => html`<th scope="col" class="n">${method}</th>`),
  );
  const rows = classes.map((one, k) => {
    const cells = measurements.map(({ of, ends }) =>
      methods.map(({ scores }, m) =>
        cell(
          of(scores.perClass[k]!),
          rankAmong(methods, k, of, m),
          several || !ends ? null : scores.perClass[k]![ends],
        ),
      ),
    );
    return html`<tr><th scope="row">${one.class}</th><td class="n">${count(one.support)}</td>${cells}</tr>`;
  });
  const span = several ? 2 : 1;
  return html`<thead><tr><th scope="col" rowspan="${span}">Class</th><th scope="col" rowspan="${span}" class="n">Cells</th>${top}</tr>${
    several && html`<tr>${below}</tr>`
  }</thead><tbody>${rows}</tbody>`;
}

function cell(value: number | null, rank: number, ends: readonly [number, number] | null): Html {
  const name = rank === 0 ? 'n best' : rank === 1 ? 'n second' : 'n';
  return html`<td class="${name}">${score(value)}${ends && html`<small>${interval(ends)}</small>`}</td>`;
}

/** How many methods are better than method m on class k; -1 where that is not to be marked. */
function rankAmong(
  methods: readonly MethodScores[],
  k: number,
  of: (one: ClassScores) => number | null,
  m: number,
): number {
  if (methods.length < 2) return -1;
  const values = methods.map(one => of(one.scores.perClass[k]!));
  const own = values[m];
  if (own === null || own === undefined) return -1;
  const shown = (value: number) => Math.round(1000 * value);
  return new Set(values.flatMap(one => (one !== null && shown(one) > shown(own) ? [shown(one)] : []))).size;
}

const overall: { name: string; of: (scores: Scores) => number | null; interval?: string }[] = [
  { name: 'Accuracy', of: one => one.accuracy, interval: 'accuracy' },
  { name: 'Accuracy of always naming the commonest class', of: one => one.commonestClassAccuracy },
  { name: 'Balanced accuracy', of: one => one.balancedAccuracy, interval: 'balancedAccuracy' },
  { name: 'F score, macro', of: one => one.macro.f1, interval: 'macroF1' },
  { name: 'F score, weighted', of: one => one.weighted.f1, interval: 'weightedF1' },
  { name: 'ROC-AUC, macro', of: one => one.macro.rocAuc, interval: 'macroRocAuc' },
  { name: 'Matthews correlation', of: one => one.matthewsCorrelation, interval: 'matthewsCorrelation' },
  { name: "Cohen's kappa", of: one => one.cohenKappa, interval: 'cohenKappa' },
  { name: 'Log loss (nats)', of: one => one.logLoss, interval: 'logLoss' },
  { name: 'Brier loss', of: one => one.brierLoss, interval: 'brierLoss' },
  { name: 'Expected calibration error', of: one => one.calibrationError },
];

function endsOf({ scores, intervals }: MethodScores, name: string | undefined) {
  const own = { accuracy: scores.accuracyInterval, macroF1: scores.macroF1Interval };
  return name === undefined ? null : ((intervals ?? own)[name as keyof typeof own] ?? null);
}

/** Figures over all classes, a column a method, with 95 % intervals. */
export function overallTable(caption: string, methods: readonly MethodScores[]): Html {
  const rows = overall.map(
    ({ name, of, interval: ends }) =>
      html`<tr><th scope="row">${name}</th>${methods.map(one => cell(of(one.scores), -1, endsOf(one, ends)))}</tr>`,
  );
  const head = methods.map(({ method }) => html`<th scope="col" class="n">${method}</th>`);
  return scrolling(
    caption,
    html`<table><caption>${caption}. Small: 95 % intervals.</caption><thead><tr><th scope="col">Figure</th>${head}</tr></thead><tbody>${rows}</tbody></table>`,
  );
}
