// M methods, K classes.
import type { ClassScores, Scores } from '../evaluate/score.ts';
import { type Html, html } from './html.ts';
import { scrolling } from './section.ts';
import { count, interval, score } from './words.ts';

export interface MethodScores {
  method: string;
  scores: Scores;
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

const overall: [
  string,
  (scores: Scores) => number | null,
  (scores: Scores) => readonly [number, number] | null,
][] = [
  ['Accuracy', one => one.accuracy, one => one.accuracyInterval],
  ['Accuracy of always naming the commonest class', one => one.commonestClassAccuracy, () => null],
  ['Balanced accuracy', one => one.balancedAccuracy, () => null],
  ['F score, macro', one => one.macro.f1, one => one.macroF1Interval],
  ['F score, weighted', one => one.weighted.f1, () => null],
  ['ROC-AUC, macro', one => one.macro.rocAuc, () => null],
  ['Matthews correlation', one => one.matthewsCorrelation, () => null],
  ['Log loss (nats)', one => one.logLoss, () => null],
  ['Brier loss', one => one.brierLoss, () => null],
  ['Expected calibration error', one => one.calibrationError, () => null],
];

/** Figures over all classes, a column a method, with 95 % intervals. */
export function overallTable(caption: string, methods: readonly MethodScores[]): Html {
  const rows = overall.map(
    ([name, of, ends]) =>
      html`<tr><th scope="row">${name}</th>${methods.map(({ scores }) => cell(of(scores), -1, ends(scores)))}</tr>`,
  );
  const head = methods.map(({ method }) => html`<th scope="col" class="n">${method}</th>`);
  return scrolling(
    caption,
    html`<table><caption>${caption}. Small: 95 % intervals.</caption><thead><tr><th scope="col">Figure</th>${head}</tr></thead><tbody>${rows}</tbody></table>`,
  );
}
