import { addon } from './addon.ts';
import type { Precision } from './precision.ts';

/** How long a network's blocks take: a block is one layer or a few that are carried out together. */
export interface NetworkProfile {
  blocks: BlockProfile[];
  /** Seconds of reading and normalising the images. */
  loading: { train: number; predict: number };
  /** Seconds of the whole step of training, update included, and of the prediction. */
  total: { train: number; predict: number };
}

export interface BlockProfile {
  /** Index of its first layer, and how many it is made of. */
  layer: number;
  layers: number;
  passes: Record<PassName, { way: string; seconds: number }>;
}

export const passNames = ['forward', 'backward', 'predict'] as const;
/** Forward and backward in training; prediction. */
export type PassName = (typeof passNames)[number];

/** What the native core gives; every list in the order of `passNames`. */
export interface NativeProfile {
  blocks: { layer: number; layers: number; ways: string[]; seconds: number[] }[];
  loading: number[];
  total: number[];
}

export function readProfile({ blocks, loading, total }: NativeProfile): NetworkProfile {
  return {
    blocks: blocks.map(({ layer, layers, ways, seconds }) => ({
      layer,
      layers,
      passes: Object.fromEntries(
        passNames.map((name, i) => [name, { way: ways[i]!, seconds: seconds[i]! }]),
      ) as BlockProfile['passes'],
    })),
    loading: { train: loading[0]!, predict: loading[2]! },
    total: { train: total[0]!, predict: total[2]! },
  };
}

/**
 * The most multiply-adds a second that the processor does on all threads, measured over about that many seconds by
 * products of registers alone; 0 for bfloat16 where the instruction set has none.
 */
export function measurePeak(precision: Precision, seconds: number): Promise<number> {
  return addon.measurePeak(precision, seconds);
}

/** The same for the products of 8-bit numbers that distances between images are made of. */
export function measureBytePeak(seconds: number): Promise<number> {
  return addon.measurePeak('bytes', seconds);
}

/** The instruction set whose kernels are in use: "avx512bf16". */
export function instructionSet(): string {
  return addon.instructionSet();
}

/** Those that this processor has, slowest first. */
export function instructionSets(): string[] {
  return addon.instructionSets();
}
