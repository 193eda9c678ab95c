// N images, D numbers a vector, K classes.
import type { MadeVectors, VectorSource } from '../classifiers/source.ts';
import { createSource, fitSource } from '../classifiers/sources.ts';
import { storedImages, VectorClassifier } from '../classifiers/vectorClassifier.ts';
import type { Dataset } from '../dataset/dataset.ts';
import type { Job } from '../job.ts';
import type { Fitted, Learner } from '../learners/learner.ts';
import { scoreVectors } from '../learners/score.ts';
import type { LabelledRows } from '../train/batches.ts';
import type { PartScore } from '../train/report.ts';
import type { FittedMethod, MethodCells } from './fittedMethod.ts';
import type { Method } from './method.ts';

// biome-ignore lint/suspicious/noExplicitAny: each learner has settings of its own type.
type AnyLearner = Learner<any>;

/** Fits a plain method: vectors of the training cells, then the learner, with its choices made on validation cells. */
export async function fitPlain(
  dataset: Dataset,
  method: Extract<Method, { kind: 'plain' }>,
  { learner, settings }: { learner: AnyLearner; settings: Record<string, unknown> },
  cells: MethodCells,
  job: Job,
  source?: VectorSource,
): Promise<FittedMethod> {
  const own = source ?? (await openSource(method, dataset));
  const held = new Held(own);
  try {
    const started = performance.now();
    const images = dataset.images();
    const made = await fitSource(own, learner.needsStandardised, { images, rows: cells.training.rows }, job);
    held.source = made.source;
    held.vectors.push(made.training);
    const validation = await maybeMake(made.source, dataset, cells.validation, job);
    if (validation) held.vectors.push(validation);
    const classes = dataset.header.classes.length;
    held.fitted = await learner.fit(
      { ...made.training, labels: cells.training.labels, classes },
      validation && { ...validation, labels: cells.validation.labels, classes },
      settings,
      job,
    );
    const seconds = (performance.now() - started) / 1000;
    const score = validation && (await scoreOn(held.fitted, validation, cells.validation.labels, job));
    validation?.release();
    return {
      ...{ method: method.name, settings, facts: held.fitted.facts, validation: score, seconds },
      classifier: wrap(dataset, method, { ...made, fitted: held.fitted }),
    };
  } catch (error) {
    held.release();
    throw error;
  }
}

/** The source of a method's vectors for the images of a data set. */
export function openSource(
  method: Extract<Method, { kind: 'plain' }>,
  dataset: Dataset,
): Promise<VectorSource> {
  return createSource(method.source, storedImages(storedOf(dataset)));
}

function storedOf({ header: { preparation, pixelType } }: Dataset) {
  return { preparation, pixelType: pixelType as 'uint8' | 'uint16' };
}

/** What must be let go when fitting fails on the way. */
class Held {
  source: VectorSource;
  readonly vectors: MadeVectors[] = [];
  fitted: Fitted | undefined;

  constructor(source: VectorSource) {
    this.source = source;
  }

  release(): void {
    this.fitted?.dispose();
    for (const made of this.vectors) made.release();
    this.source.dispose();
  }
}

async function maybeMake(
  source: VectorSource,
  dataset: Dataset,
  { rows }: LabelledRows,
  job: Job,
): Promise<MadeVectors | null> {
  return rows.length === 0 ? null : source.vectors(dataset.images(), rows, job);
}

async function scoreOn(
  fitted: Fitted,
  vectors: MadeVectors,
  labels: Int32Array,
  job: Job,
): Promise<PartScore> {
  return scoreVectors(await fitted.predict(vectors, job), labels, fitted.classes);
}

function wrap(
  dataset: Dataset,
  method: Extract<Method, { kind: 'plain' }>,
  { source, training, fitted }: { source: VectorSource; training: MadeVectors; fitted: Fitted },
): VectorClassifier {
  return new VectorClassifier({
    ...{ method: method.name, classes: dataset.header.classes, ...storedOf(dataset) },
    ...{ source, learner: method.learner, fitted, release: () => training.release() },
  });
}
