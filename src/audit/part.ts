import type { LoadedClassifier } from '../classifiers/classifier.ts';
import type { Dataset } from '../dataset/dataset.ts';
import type { Figure } from '../figures/figure.ts';
import type { DrawnFigure } from '../figures/imageSheet.ts';
import type { Job } from '../job.ts';

/** One question that an audit asks of a data set, or of a run and its data set. */
export interface AuditPart {
  /** Its member in audit.json, and its word in `--parts`. */
  readonly name: string;
  /** The question in one line, for the help. */
  readonly about: string;
  /** Whether it asks about a trained run; without one it is left out. */
  readonly needsRun: boolean;
  /** Looks at the labelled cells that screening has not rejected; changes nothing. Honours `job.signal`. */
  look(dataset: Dataset, options: PartOptions, job: Job): Promise<PartReport>;
}

export interface PartOptions {
  /** Of everything random. */
  seed: number;
  /** How many cells a part learns from, at most; a stratified sample is drawn where there are more. */
  cells: number;
  /** What the part `labels` judges with: any method of `train`; undefined: its own choice. */
  method?: string;
  /** The run that is audited with the data set; null where none was given. */
  run: AuditedRun | null;
}

/** A trained run that fits the data set: same preparation, every class of the data set known to it. */
export interface AuditedRun {
  /** Its folder. */
  path: string;
  /** As tables call it. */
  method: string;
  /** Whether it is a network, whose embedding can be read with `createSource('embedding:PATH', ...)`. */
  isNetwork: boolean;
  /** Fold held out as the test part; null where the data set's own split was used. */
  fold: number | null;
  /** Whether the data set is, cell by cell and side by side, the one that it was trained on. */
  sameCells: boolean;
  /** The frame loads it and disposes of it. */
  classifier: LoadedClassifier;
  /** The data set's label as the classifier's. */
  labelOf(label: number): number;
}

export interface PartReport {
  name: string;
  /** What was found, in plain words, one to four sentences. */
  verdict: string;
  /** Whether the verdict says that figures made of this data set or run may not be trusted. */
  warning: boolean;
  /** Only of a part that asks it: whether something other than the cells predicts the classes. */
  confounded?: boolean;
  /** Every number behind the verdict: plain JSON, no NaN. */
  findings: Record<string, unknown>;
  /** Drawn as figures/NAME.svg and .png; names begin with the part's. */
  figures: { name: string; figure: Figure }[];
  /** Figures that are drawn already, of images; named as the others. */
  drawn?: DrawnFigure[];
  /** Written beside audit.json as they are: `duplicates.csv`, `figures/duplicates.png`. */
  files: { name: string; content: string | Uint8Array }[];
}
