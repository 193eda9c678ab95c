export { Dataset, type Verdict } from './dataset/dataset.ts';
export {
  type CellQuery,
  type CellTable,
  type DatasetHeader,
  type NewCell,
  type SplitName,
  splitNames,
} from './dataset/format.ts';
export { type SplitOptions, type SplitReport, split, splitWays } from './dataset/split.ts';
export type { DamagedCell } from './dataset/verify.ts';
export { type ImportReport, importImages } from './import/importImages.ts';
export { type ImportFormat, type ImportOptions, importFormats } from './import/options.ts';
export type { SimulateOptions } from './simulate/options.ts';
export type { SimulateReport } from './simulate/report.ts';
export { simulate } from './simulate/simulate.ts';
