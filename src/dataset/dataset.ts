import type { ImageSet } from '../engine/imageSet.ts';
import type { CellQuery, CellTable, DatasetHeader, NewCell, SplitName } from './format.ts';

export interface Verdict {
  id: number;
  /** null takes the verdict back. */
  verdict: 'accepted' | 'rejected' | null;
  /** Why rejected: a fault kind or the feature out of limits with its value. */
  reason: string | null;
  /** 'screen' for an automatic verdict, 'hand' for one given by a person, which screening never overrides. */
  by: 'screen' | 'hand';
}

/** A data set on disk. One writer at a time; readers share. */
export declare class Dataset {
  /** Creates the folder; throws `dataset-exists` where something stands there. */
  static create(path: string, header: DatasetHeader): Promise<Dataset>;
  /**
   * Opens and checks: version, shard headers and sizes; a writer also cuts off what a killed one left behind.
   * Throws `dataset-missing`, `dataset-newer`, `dataset-corrupt`, `dataset-locked`.
   */
  static open(path: string, mode: 'read' | 'write'): Promise<Dataset>;
  readonly path: string;
  readonly header: DatasetHeader;
  /** All committed cells. */
  readonly count: number;
  /** Writes cells durably: when the promise resolves, they survive a power cut. Order is kept. */
  append(cells: NewCell[]): Promise<void>;
  /** Adds class names that an import finds later; existing labels keep their meaning. */
  addClasses(names: string[]): Promise<void>;
  cells(query?: CellQuery): Promise<CellTable>;
  /** Every stored image, mapped; row = id. Closed with the data set. */
  images(): ImageSet;
  /** Runs read-only SQL on the catalogue's table `cells`; rows as objects. */
  query(sql: string, parameters?: unknown[]): Promise<Record<string, unknown>[]>;
  writeSplit(
    assignment: { id: Int32Array; split: (SplitName | null)[]; fold?: Int16Array },
    settings: Record<string, unknown>,
  ): Promise<void>;
  writeVerdicts(verdicts: Verdict[], settings: Record<string, unknown>): Promise<void>;
  /** SHA-256 over the header, and id, label, split and pixels' checksums: the same content, the same fingerprint. */
  fingerprint(): Promise<string>;
  close(): Promise<void>;
}
