import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { type Job, throwIfCancelled } from '../job.ts';
import { version } from '../version.ts';
import { writeWholeFile } from '../wholeFile.ts';
import { type AuditFacts, readAudit } from './auditFacts.ts';
import { auditSection } from './auditSection.ts';
import { confusionSection } from './confusionSection.ts';
import { calibrationSection, rankingSection } from './curvesSection.ts';
import { datasetSection } from './datasetSection.ts';
import { explainSection } from './explainSection.ts';
import { type ExplanationFaults, makeExplanations } from './makeExplanations.ts';
import { mistakesSection } from './mistakesSection.ts';
import { formatPage } from './page.ts';
import { Pictures } from './pictures.ts';
import { modelCardSection, provenanceSection } from './provenanceSection.ts';
import { scoresSection } from './scoresSection.ts';
import type { Section } from './section.ts';
import { sortingSection } from './sortingSection.ts';
import { findSources, type Source, type SourceKind } from './sources.ts';
import type { Budget } from './storedFigures.ts';
import { comparisonSection, lossSection, volumeSection } from './studySections.ts';
import { OpenDatasets, readSubject, type Subject } from './subject.ts';
import { trainingSection } from './trainingSection.ts';
import { formatVerdict } from './verdict.ts';
import { listed } from './words.ts';

export interface ReportOptions {
  /** The file to write; `report.html` in the first folder by default. */
  out?: string;
  /** Where the data set is now, when it was moved since the training. */
  dataset?: string;
  /** Above the page; made of the runs' names by default. */
  title?: string;
  /** Make the pictures of filters, occlusion maps and embeddings that a run lacks, small ones; true by default. */
  explain?: boolean;
  /** Sections that come before all others. */
  front?: readonly Section[];
}

export interface ReportResult {
  /** The file. */
  out: string;
  bytes: number;
  runs: string[];
  comparisons: string[];
  volumes: string[];
  losses: string[];
  audits: string[];
  /** Ids of the sections, in order. */
  sections: string[];
  seconds: number;
}

/**
 * Writes one HTML file that holds all that is known of runs, and of comparisons, studies and audits that were made
 * beside them. It loads nothing from elsewhere. What a run lacks (an evaluation, its data set) the report says, with the
 * command that makes it. Throws `run-missing` for a folder of none of these, `model-corrupt` and
 * `report-source-invalid` for a damaged one, `disk-full`, `cancelled`.
 */
export async function report(
  paths: readonly string[],
  options: ReportOptions = {},
  job: Job = {},
): Promise<ReportResult> {
  const started = performance.now();
  const sources = findSources(paths);
  const datasets = new OpenDatasets();
  try {
    const material = await readMaterial(sources, datasets, options);
    const made = options.explain === false ? new Map() : await makeExplanations(material.subjects, job);
    const { page, sections } = await fitPage({ ...material, faults: made }, options, job);
    const out = options.out ?? join(sources[0]!.path, 'report.html');
    await writeWholeFile(out, page);
    const of = (kind: SourceKind) => sources.filter(one => one.kind === kind).map(one => one.path);
    return {
      ...{ out, bytes: Buffer.byteLength(page), runs: of('run'), comparisons: of('comparison') },
      ...{ volumes: of('volume'), losses: of('losses'), audits: material.audits.map(one => one.path) },
      sections: sections.map(one => one.id),
      seconds: (performance.now() - started) / 1000,
    };
  } finally {
    await datasets.close();
  }
}

type Explained = Material & { faults: ExplanationFaults };

const mostBytes = 9_500_000;
/** What figures and tables of other commands may take. */
const storedBytes = 4_000_000;
const mostHalvings = 6;

/**
 * The page below 10 MB: with all images and figures as they are; else with half as many images and figures of half the
 * bytes, and so on. Figures are made smaller before any is left out.
 */
async function fitPage(material: Explained, options: ReportOptions, job: Job) {
  let [images, figures] = [1, 1];
  const pictures = openPictures(material.subjects);
  for (let halved = 0; ; halved++) {
    const budget = { bytes: storedBytes, share: figures, left: 0 };
    const made = await makeSections(material, { images, budget, pictures }, job);
    const sections = [...(options.front ?? []), ...made];
    const page = await drawPage(material, sections, options);
    const large = Buffer.byteLength(page) >= mostBytes;
    if ((!large && budget.left === 0) || halved === mostHalvings) return { page, sections };
    figures /= 2;
    if (large) images /= 2;
  }
}

function drawPage({ subjects, sources, audits }: Material, sections: Section[], { title }: ReportOptions) {
  const named = subjects.length > 0 ? subjects : sources;
  return formatPage({
    title: title ?? `Report on ${listed(named.map(one => one.name))}`,
    byline: `Made on ${new Date().toISOString().slice(0, 10)} by brightcell ${version()}.`,
    head: formatVerdict(subjects, audits),
    sections,
  });
}

/** All that was read, before anything is drawn. */
interface Material {
  sources: Source[];
  subjects: Subject[];
  audits: AuditFacts[];
}

async function readMaterial(
  sources: Source[],
  datasets: OpenDatasets,
  { dataset }: ReportOptions,
): Promise<Material> {
  const runs = sources.filter(one => one.kind === 'run');
  const subjects = [];
  for (const run of runs) {
    const twice = runs.filter(one => one.name === run.name).length > 1;
    subjects.push(await readSubject(run, twice ? run.path : run.name, datasets, dataset));
  }
  return { sources, subjects, audits: await readAudits(sources, subjects) };
}

/** Audits that were given, and those that stand in the runs and beside their data sets. */
async function readAudits(sources: readonly Source[], subjects: readonly Subject[]): Promise<AuditFacts[]> {
  const given = sources.filter(one => one.kind === 'audit').map(one => one.path);
  const beside = subjects.map(one =>
    [join(one.path, 'audit'), join(one.data.path, 'audit')].find(path =>
      existsSync(join(path, 'audit.json')),
    ),
  );
  const found = given.length > 0 ? given : beside.filter(path => path !== undefined);
  return Promise.all([...new Set(found)].map(readAudit));
}

/** What sections may take: of the usual images a share, and figures of other commands. */
interface Room {
  images: number;
  budget: Budget;
  pictures: (subject: Subject) => Pictures | undefined;
}

async function makeSections(
  { sources, subjects, audits, faults }: Explained,
  { images: share, budget, pictures }: Room,
  job: Job,
): Promise<Section[]> {
  const of = (kind: SourceKind) => sources.filter(one => one.kind === kind);
  const ofRuns = [
    () => datasetSection(subjects, share),
    () => trainingSection(subjects),
    () => scoresSection(subjects),
    () => confusionSection(subjects, pictures, share),
    () => rankingSection(subjects),
    () => calibrationSection(subjects),
    () => sortingSection(subjects),
    () => mistakesSection(subjects, pictures, share),
    () => explainSection(subjects, budget, faults),
  ];
  const steps = [
    ...(subjects.length > 0 ? ofRuns : []),
    ...(of('comparison').length > 0 ? [() => comparisonSection(of('comparison'), budget)] : []),
    ...(of('volume').length > 0 ? [() => volumeSection(of('volume'), budget)] : []),
    ...(of('losses').length > 0 ? [() => lossSection(of('losses'), budget)] : []),
    ...(subjects.length > 0 || audits.length > 0 ? [() => auditSection(audits, subjects, budget)] : []),
    ...(subjects.length > 0 ? [() => modelCardSection(subjects), () => provenanceSection(subjects)] : []),
  ];
  const sections = [];
  for (const [i, step] of steps.entries()) {
    throwIfCancelled(job);
    job.onProgress?.({ stage: 'reporting', done: i, total: steps.length, unit: 'sections' });
    sections.push(await step());
  }
  job.onProgress?.({ stage: 'reporting', done: steps.length, total: steps.length, unit: 'sections' });
  return sections;
}

/** The images of each run's data set; none where it cannot be read or holds others by now. */
function openPictures(subjects: readonly Subject[]): (subject: Subject) => Pictures | undefined {
  const known = new Map(
    subjects.map(one => {
      const { dataset, imagesFault } = one.data;
      return [
        one,
        dataset && imagesFault === undefined ? new Pictures(dataset.images()) : undefined,
      ] as const;
    }),
  );
  return subject => known.get(subject);
}
