export { audit } from './audit/audit.ts';
export type { AuditReport, PartMember } from './audit/auditReport.ts';
export type { AuditOptions } from './audit/options.ts';
export type { Calibration } from './classifiers/calibration.ts';
export type { Classifier, LoadedClassifier, LoadOptions } from './classifiers/classifier.ts';
export {
  type ClassifyOptions,
  type ClassifyReport,
  classify,
  type Prediction,
} from './classifiers/classify.ts';
export { loadClassifier } from './classifiers/loadClassifier.ts';
export {
  type ReconstructOptions,
  type ReconstructReport,
  reconstruct,
} from './classifiers/reconstruct.ts';
export { Dataset, type Verdict } from './dataset/dataset.ts';
export type { EnsuredSplit } from './dataset/ensureSplit.ts';
export type { CellFeatures, FeatureColumns } from './dataset/featureTable.ts';
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
export { featureCount, findCells, measureFeatures } from './engine/features.ts';
export { hasBfloat16, type Precision } from './engine/precision.ts';
export { getThreads, setThreads } from './engine/threads.ts';
export { BrightcellError, type ErrorCode, errorCodes } from './errors.ts';
export { findCautions } from './evaluate/cautions.ts';
export { compareMethods, type MethodComparison, type MethodPredictions } from './evaluate/comparison.ts';
export type { Doubts, SetFigures } from './evaluate/doubts.ts';
export { type FigureIntervals, findIntervals, type PartIntervals } from './evaluate/figureIntervals.ts';
export { findOperatingPoints, type OperatingPoint } from './evaluate/operatingPoints.ts';
export { measureReliability, type ReliabilityBin } from './evaluate/reliability.ts';
export { type EvaluatedPart, formatEvaluation, type GroupScore } from './evaluate/report.ts';
export {
  type ClassScores,
  type LabelledPredictions,
  type Scores,
  scorePredictions,
} from './evaluate/score.ts';
export { formatScoreTable, type MethodScores } from './evaluate/table.ts';
export { type CellChoice, type ChosenCell, type ChosenCells, chooseCells } from './explain/chooseCells.ts';
export {
  type EmbeddedLayer,
  type Embedding,
  type EmbedOptions,
  embedCells,
} from './explain/embed.ts';
export { drawEmbedding } from './explain/embedFigures.ts';
export type { EmbedReport } from './explain/embedFiles.ts';
export { type ExplainEmbedOptions, explainEmbed } from './explain/explainEmbed.ts';
export {
  type ExplainFiltersOptions,
  explainFilters,
  explainNetwork,
  type FilterExplanation,
  type FiltersReport,
} from './explain/explainFilters.ts';
export { type ExplainOcclusionOptions, explainOcclusion } from './explain/explainOcclusion.ts';
export type { Fill } from './explain/fill.ts';
export { drawFilters } from './explain/filterFigures.ts';
export type { Excitement, LayerFilters } from './explain/filters.ts';
export { findLayer, type NamedLayer, nameLayers } from './explain/layers.ts';
export { measureOcclusion, type OcclusionMap, type OcclusionSettings } from './explain/occlusion.ts';
export {
  type ExplainedCell,
  type ExplainedClass,
  explainCells,
  type OcclusionExplanation,
} from './explain/occlusionExplanation.ts';
export { drawOcclusion } from './explain/occlusionFigures.ts';
export type { OcclusionReport } from './explain/occlusionFiles.ts';
export type { RegionFigures, RegionName, Regions } from './explain/regions.ts';
export { type FeatureDefinition, type FeatureFamily, featureFamilies } from './features/definition.ts';
export { featureDefinitions, featureNames, featuresVersion } from './features/definitions.ts';
export { type FeaturesOptions, type FeaturesReport, features } from './features/features.ts';
export type { DrawnFigure } from './figures/imageSheet.ts';
export { type ImportReport, importImages } from './import/importImages.ts';
export { type ImportFormat, type ImportOptions, importFormats } from './import/options.ts';
export type { Job, Progress } from './job.ts';
export { fitMethod } from './methods/fitMethod.ts';
export type { FittedMethod, MethodCells } from './methods/fittedMethod.ts';
export type { MethodTrainOptions as TrainOptions } from './methods/options.ts';
export type { MethodReport, PlainReport } from './methods/report.ts';
export { train } from './methods/train.ts';
export { formatLayerTable, type LayerRow, measureLayers } from './models/layerTable.ts';
export { exportOnnx, type OnnxOptions, writeOnnx } from './models/onnx.ts';
export { buildNetwork, networkNames } from './models/registry.ts';
export { readSafetensors, type TensorFile, writeSafetensors } from './models/safetensors.ts';
export { type ReportOptions, type ReportResult, report } from './report/report.ts';
export type { BesideNumber } from './reproduce/beside.ts';
export type { ReproduceOptions } from './reproduce/options.ts';
export { type ReproduceReport, reproduce } from './reproduce/reproduce.ts';
export { listRejected, type Rejected, reject, release, restore } from './screen/hand.ts';
export type { OwnLimit } from './screen/limits.ts';
export type { ScreenScore } from './screen/score.ts';
export { type ScreenOptions, type ScreenReport, screen, screenMethods } from './screen/screen.ts';
export type { SimulateOptions } from './simulate/options.ts';
export type { SimulateReport } from './simulate/report.ts';
export { simulate } from './simulate/simulate.ts';
export { type CompareOptions, compare } from './study/compare.ts';
export type { CompareReport } from './study/compareReport.ts';
export { type CrossValidationReport, crossValidate } from './study/crossValidate.ts';
export { type EvaluateOptions, type EvaluationReport, evaluate } from './study/evaluateRun.ts';
export { type LossOptions, studyLoss } from './study/loss.ts';
export type { LossReport } from './study/lossReport.ts';
export type { MethodRequest } from './study/methodTask.ts';
export { type SearchFit, type SearchOptions, type SearchReport, searchSettings } from './study/search.ts';
export type { NumberRange, SearchRange, SearchSpace } from './study/searchSpace.ts';
export { studyVolume, type VolumeOptions } from './study/volume.ts';
export type { VolumeReport } from './study/volumeReport.ts';
export type { TrainSettings } from './train/config.ts';
export type { TrainConfig } from './train/recipes.ts';
export type { PartScore, TrainReport } from './train/report.ts';
export { version } from './version.ts';
