import { cpus, totalmem } from 'node:os';
import { instructionSet, instructionSets } from '../../src/engine/profile.ts';
import { version } from '../../src/version.ts';

/** What the figures were measured on. */
export function describeMachine(threads: number) {
  const processors = cpus();
  return {
    date: new Date().toISOString(),
    processor: processors[0]?.model.trim() ?? 'unknown',
    cores: processors.length,
    memoryGigabytes: Math.round(totalmem() / 1e9),
    instructionSet: instructionSet(),
    instructionSets: instructionSets(),
    threads,
    brightcell: version(),
    node: process.version,
  };
}
