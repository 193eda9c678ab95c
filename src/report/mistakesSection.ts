import type { ReportPart } from './evaluation.ts';
import { type Html, html } from './html.ts';
import { perRun } from './perRun.ts';
import { type Pictures, pictureList } from './pictures.ts';
import { withoutEvaluation } from './scoresSection.ts';
import { missing, type Section } from './section.ts';
import type { Subject } from './subject.ts';
import { count, countOf, shortSource } from './words.ts';

const most = 24;

/** Wrongly named cells of each run with the highest probability of the wrong class. */
export async function mistakesSection(
  subjects: readonly Subject[],
  picturesOf: (subject: Subject) => Pictures | undefined,
  share = 1,
): Promise<Section> {
  const body = await perRun(subjects, subject => {
    const part = subject.evaluation?.parts[0];
    return part
      ? mistakesOf(part, { pictures: picturesOf(subject), fault: subject.data.imagesFault, share })
      : withoutEvaluation(subject);
  });
  return { id: 'mistakes', title: 'The most confident mistakes', body };
}

async function mistakesOf(
  part: ReportPart,
  { pictures, fault, share }: { pictures: Pictures | undefined; fault: string | undefined; share: number },
): Promise<Html> {
  const { classes, labels, predicted, probabilities, id, source } = part;
  const K = classes.length;
  const sure = (i: number) => probabilities[i * K + predicted[i]!]!;
  const wrong = [...labels.keys()].filter(i => labels[i] !== predicted[i]).sort((a, b) => sure(b) - sure(a));
  if (wrong.length === 0) return html`<p>No cell of the ${part.part} part was named wrongly.</p>`;
  const shown = wrong.slice(0, Math.max(4, Math.round(share * most)));
  const words = html`<p>${countOf(wrong.length, 'cell')} of ${count(labels.length)} in the ${part.part} part ${wrong.length === 1 ? 'was' : 'were'} named wrongly${
    shown.length < wrong.length && `; the ${shown.length} surest of them`
  }. A sure mistake is often a wrong label: look at the image first.</p>`;
  if (!pictures) return html`${words}${missing(`Their images cannot be shown: ${fault}.`)}`;
  const cells = shown.map(i => {
    const [truth, named] = [classes[labels[i]!]!, classes[predicted[i]!]!];
    const own = probabilities[i * K + labels[i]!]!;
    return {
      row: id[i]!,
      alt: `Cell ${id[i]}, ${truth}, taken for ${named}`,
      caption: html`<strong>${truth}</strong> taken for <strong>${named}</strong>: ${sure(i).toFixed(3)} against ${own.toFixed(3)}<br><span title="${source[i]!}">cell ${id[i]!}, ${shortSource(source[i]!)}</span>`,
    };
  });
  return html`${words}${await pictureList(pictures, cells)}`;
}
