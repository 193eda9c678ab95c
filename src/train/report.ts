/** How one part of the data was classified. */
export interface PartScore {
  cells: number;
  loss: number;
  accuracy: number;
  macroF1: number;
}

export interface TrainReport {
  kind: 'network';
  /** The run's folder. */
  run: string;
  /** The model folder with the best weights. */
  model: string;
  network: string;
  classes: string[];
  parameters: number;
  /** Epochs trained, all sessions together; fewer than asked for after an early stop. */
  epochs: number;
  /** The epoch whose weights `model` holds, from 1. */
  bestEpoch: number;
  stopped: 'finished' | 'early';
  trainingCells: number;
  /** Of the best epoch; null when the split has no validation part. */
  validation: PartScore | null;
  seconds: number;
  imagesPerSecond: number;
  /** What the user must know before believing the figures. */
  warnings: string[];
}
