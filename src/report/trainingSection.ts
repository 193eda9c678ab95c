import { toCsv } from '../evaluate/csv.ts';
import { type CurvePoint, trainingFigure } from '../figures/trainingFigure.ts';
import { drawnFigure } from './figureHtml.ts';
import { html } from './html.ts';
import { missing, type Section } from './section.ts';
import type { Subject } from './subject.ts';
import { countOf, listed, score } from './words.ts';

/** Loss and accuracy by epoch; as in Fig. 6 of Meng et al. 2019. */
export async function trainingSection(subjects: readonly Subject[]): Promise<Section> {
  const learnt = subjects.filter(one => one.epochs.length > 0);
  const without = subjects.filter(one => one.epochs.length === 0);
  const plain = without.filter(one => !one.folder.isNetwork);
  const lost = without.filter(one => one.folder.isNetwork);
  const body = html`${learnt.length > 0 && (await curves(learnt))}
${plain.length > 0 && html`<p>${listed(plain.map(one => one.name))} ${plain.length > 1 ? 'were' : 'was'} fitted at once: there are no epochs to show.</p>`}
${lost.length > 0 && missing(`No epochs are noted for ${listed(lost.map(one => one.name))}: epochs.csv is missing.`)}`;
  return { id: 'training', title: 'Training', body };
}

async function curves(subjects: readonly Subject[]) {
  const several = subjects.length > 1;
  const points = subjects.flatMap(subject => pointsOf(subject, several));
  const parts = several
    ? 'Validation part of each run.'
    : 'The training part is measured while it changes, with augmentation.';
  const figure = trainingFigure('Loss and accuracy while training', points, [parts]);
  const header = [
    'run',
    'epoch',
    'learning_rate',
    'train_loss',
    'train_accuracy',
    'validation_loss',
    'validation_accuracy',
    'validation_macro_f1',
    'seconds',
  ];
  const rows = subjects.flatMap(({ name, epochs }) =>
    epochs.map(one => [
      ...[name, one.epoch, one.learningRate, one.trainLoss, one.trainAccuracy],
      ...[one.validationLoss, one.validationAccuracy, one.validationMacroF1, one.seconds],
    ]),
  );
  const lasts = subjects.map(({ name, epochs }) => {
    const last = epochs.at(-1)!;
    return `${name} after ${countOf(last.epoch, 'epoch')}: training loss ${score(last.trainLoss)}, validation accuracy ${score(last.validationAccuracy)}`;
  });
  return drawnFigure(figure, {
    name: 'training',
    alt: `Curves. ${lasts.join('; ')}.`,
    caption: 'Loss and accuracy by epoch (as Fig. 6 of Meng et al. 2019).',
    csv: toCsv([header, ...rows]),
  });
}

function pointsOf({ name, epochs }: Subject, several: boolean): CurvePoint[] {
  const validation = epochs.map(one => ({
    ...{ series: several ? name : 'validation', epoch: one.epoch },
    ...{ loss: one.validationLoss, accuracy: one.validationAccuracy },
  }));
  if (several) return validation;
  const training = epochs.map(one => ({
    ...{ series: 'training', epoch: one.epoch, loss: one.trainLoss, accuracy: one.trainAccuracy },
  }));
  return [...training, ...validation.filter(one => one.loss !== null)];
}
