import { cellTypes, type RenderedCells, renderCells } from '../engine/simulate.ts';
import { type Job, throwIfCancelled } from '../job.ts';
import type { Simulation } from './options.ts';

export interface Chunk {
  /** Index of the chunk's first cell. */
  first: number;
  count: number;
  cells: RenderedCells;
}

const mostBytes = 32 * 2 ** 20;
const mostRawPixels = 68 * 440;

/**
 * Renders the cells [first, simulation.cells) in order, chunk by chunk, one chunk ahead of the caller: while one is
 * being written the next is being drawn, and no more than these two are held. Stops between chunks when asked.
 */
export async function* renderChunks(simulation: Simulation, first: number, job: Job): AsyncGenerator<Chunk> {
  const size = chunkSize(simulation);
  const start = (from: number) => {
    const count = Math.min(size, simulation.cells - from);
    return count > 0 ? renderChunk(simulation, from, count) : undefined;
  };
  throwIfCancelled(job);
  let next = start(first);
  try {
    while (next) {
      const chunk: Chunk = await next;
      next = start(chunk.first + chunk.count);
      throwIfCancelled(job);
      yield chunk;
      throwIfCancelled(job);
    }
  } finally {
    await next?.catch(() => {}); // what stopped the caller goes before what may stop this chunk
  }
}

/** Name of a session: the group of its cells. */
export function sessionName(session: number): string {
  return `session-${String(session + 1).padStart(2, '0')}`;
}

function chunkSize(simulation: Simulation): number {
  const pixels = simulation.size ? simulation.size[0] * simulation.size[1] : mostRawPixels;
  return Math.max(1, Math.min(2048, Math.floor(mostBytes / pixels)));
}

async function renderChunk(simulation: Simulation, first: number, count: number): Promise<Chunk> {
  const { seed, confounded, faults, sessions } = simulation;
  const weights = cellTypes.map(name => simulation.weights[name]);
  const size = simulation.size ?? undefined;
  const cells = await renderCells({ seed, confounded, faults, sessions, weights, first, count, size });
  return { first, count, cells };
}
