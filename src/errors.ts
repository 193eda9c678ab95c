/**
 * Every error that brightcell raises on purpose. The message says what must hold, what was received and
 * the remedy; the code is stable and documented in docs/errors.md (a test keeps the two in step).
 */
export class BrightcellError extends Error {
  override readonly name = 'BrightcellError';
  readonly code: ErrorCode;
  readonly fields: Record<string, unknown>;

  constructor(
    code: ErrorCode,
    message: string,
    options: { fields?: Record<string, unknown>; cause?: unknown } = {},
  ) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.code = code;
    this.fields = options.fields ?? {};
  }

  /** Process exit code: 2 for a wrong use, 130 for a stop by the user, 1 for any other failure. */
  get exitCode(): number {
    return errorCodes[this.code];
  }
}

/** Error codes and the exit code of a process that ends with them. Keep in alphabetical order. */
export const errorCodes = {
  cancelled: 130,
  'checkpoint-corrupt': 1,
  'checkpoint-mismatch': 1,
  'classes-missing': 2,
  'comparison-empty': 1,
  'dataset-changed': 1,
  'dataset-corrupt': 1,
  'dataset-exists': 2,
  'dataset-locked': 1,
  'dataset-missing': 2,
  'dataset-newer': 1,
  'dataset-unsplit': 2,
  'disk-full': 1,
  'image-unreadable': 1,
  'memory-full': 1,
  'method-crashed': 1,
  'model-corrupt': 1,
  'model-exists': 2,
  'model-mismatch': 2,
  'model-missing': 2,
  'model-newer': 1,
  'native-missing': 1,
  'network-busy': 1,
  'network-disposed': 1,
  'network-invalid': 2,
  'option-invalid': 2,
  'predictions-invalid': 1,
  'report-source-invalid': 1,
  'run-exists': 2,
  'run-locked': 1,
  'run-missing': 2,
  'source-invalid': 2,
  'split-exists': 2,
  'split-impossible': 1,
  'training-diverged': 1,
  'vectors-invalid': 1,
} as const;

export type ErrorCode = keyof typeof errorCodes;
