import { join } from 'node:path';
import { z } from 'zod';
import type { NetworkSpec } from '../engine/networkSpec.ts';
import type { NamedTensor } from '../engine/networkState.ts';
import { BrightcellError } from '../errors.ts';
import { parseNetwork } from '../models/readNetwork.ts';
import { readSafetensors, writeSafetensors } from '../models/safetensors.ts';
import type { PartScore } from './report.ts';

/** Where a training stands, but for the tensors. */
export interface TrainState {
  /** Epochs that are complete. */
  epoch: number;
  /** Steps done in the epoch after those. */
  step: number;
  /** Over the steps of that epoch. */
  sums: { loss: number; reconstruction: number; correct: number; seen: number; seconds: number };
  best: { epoch: number; score: PartScore | null } | null;
  /** Epochs since the best one. */
  stale: number;
  stopped: 'finished' | 'early' | null;
  /** Of training, all sessions together. */
  seconds: number;
  imagesSeen: number;
}

/** One file, so that it is there whole or not at all: network, optimiser and position. */
export interface Checkpoint {
  state: TrainState;
  network: NetworkSpec;
  /** See `TrainingCells.digest`. */
  cells: string;
  tensors: NamedTensor[];
}

const formatVersion = '1';

/** The file of a run's last or best checkpoint. */
export function checkpointPath(run: string, which: 'last' | 'best'): string {
  return join(run, 'checkpoints', `${which}.safetensors`);
}

/** Writes a checkpoint in place of the one before; throws `disk-full`, and then the one before is still there. */
export async function writeCheckpoint(
  run: string,
  which: 'last' | 'best',
  checkpoint: Checkpoint,
): Promise<void> {
  const { state, network, cells, tensors } = checkpoint;
  await writeSafetensors(checkpointPath(run, which), tensors, {
    formatVersion,
    state: JSON.stringify(state),
    network: JSON.stringify(network),
    cells,
  });
}

/** Reads a checkpoint, or undefined where there is none yet. Throws `checkpoint-corrupt`. */
export async function maybeReadCheckpoint(
  run: string,
  which: 'last' | 'best',
): Promise<Checkpoint | undefined> {
  const path = checkpointPath(run, which);
  try {
    const { tensors, metadata } = await readSafetensors(path);
    if (metadata.formatVersion !== formatVersion) {
      throw new Error(`its format is ${metadata.formatVersion} and not ${formatVersion}`);
    }
    const state = stateSchema.parse(JSON.parse(metadata.state ?? ''));
    const network = JSON.parse(metadata.network ?? '') as NetworkSpec;
    parseNetwork(network, path);
    return { state, network, cells: metadata.cells ?? '', tensors };
  } catch (cause) {
    if (cause instanceof BrightcellError && cause.code === 'model-missing') return undefined;
    throw new BrightcellError(
      'checkpoint-corrupt',
      `The checkpoint ${path} cannot be used: ${(cause as Error).message} Restore it from a copy, or train again.`,
      { cause, fields: { path } },
    );
  }
}

const score = z.object({ cells: z.number(), loss: z.number(), accuracy: z.number(), macroF1: z.number() });
const stateSchema = z.object({
  epoch: z.int().min(0),
  step: z.int().min(0),
  sums: z.object({
    loss: z.number(),
    reconstruction: z.number().default(0),
    correct: z.number(),
    seen: z.number(),
    seconds: z.number(),
  }),
  best: z.object({ epoch: z.int(), score: score.nullable() }).nullable(),
  stale: z.int().min(0),
  stopped: z.enum(['finished', 'early']).nullable(),
  seconds: z.number(),
  imagesSeen: z.number(),
});
