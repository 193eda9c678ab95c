import { cpus, totalmem } from 'node:os';
import { addon } from '../../src/engine/addon.ts';
import { version } from '../../src/version.ts';

/** What the figures were measured on. */
export function describeMachine(threads: number) {
  const processors = cpus();
  return {
    date: new Date().toISOString(),
    processor: processors[0]?.model.trim() ?? 'unknown',
    cores: processors.length,
    memoryGigabytes: Math.round(totalmem() / 1e9),
    instructionSet: addon.instructionSet() as string,
    instructionSets: addon.instructionSets() as string[],
    threads,
    brightcell: version(),
    node: process.version,
  };
}
