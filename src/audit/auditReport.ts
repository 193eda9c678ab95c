/** What one part found, as it stands in audit.json. */
export interface PartMember {
  verdict: string;
  warning: boolean;
  findings: Record<string, unknown>;
  /** Figures of the part, relative to the folder of audit.json. */
  figures: string[];
  /** Other files of the part, relative likewise. */
  files: string[];
  seconds: number;
}

/** audit.json: what holds for the whole, then a member for each part that was asked, by its name. */
export interface AuditReport {
  dataset: string;
  fingerprint: string;
  /** The run that was audited too; null where none was given. */
  run: string | null;
  classes: string[];
  /** Labelled cells that screening has not rejected. */
  cells: number;
  seed: number;
  /** Whether something other than the cells was found to predict the classes: the part `shortcut` asks. */
  confounded: boolean;
  /** Whether any part warns. */
  warning: boolean;
  /** One or two sentences over all parts. */
  verdict: string;
  /** Names of the members that follow, in order. */
  asked: string[];
  /** Parts that were left out because they need a run. */
  notAsked: string[];
  members: Record<string, PartMember>;
  /** Folder and files, as paths. */
  out: string;
  files: string[];
  seconds: number;
}
