// A disk of a few MB, to see what happens when it is full.
import { execFileSync } from 'node:child_process';
import { appendFileSync, mkdirSync } from 'node:fs';
import type { TestContext } from 'vitest';

/** Runs `work` with a small disk mounted at `place`; skips the test where none can be, but fails under CI. */
export async function withSmallDisk(
  context: TestContext,
  { place, megabytes }: { place: string; megabytes: number },
  work: () => Promise<void>,
): Promise<void> {
  mkdirSync(place);
  const refused = process.platform === 'linux' ? maybeMount(place, megabytes) : 'only on Linux';
  if (refused !== undefined && process.env.CI) throw new Error(`cannot mount a small disk: ${refused}`);
  if (refused !== undefined) return context.skip(`needs root to mount a small disk: ${refused}`);
  try {
    await work();
  } finally {
    execFileSync('umount', ['--lazy', place]);
  }
}

/** Why it cannot be done; undefined when it is. */
function maybeMount(place: string, megabytes: number): string | undefined {
  try {
    const size = `size=${megabytes}m`;
    execFileSync('mount', ['-t', 'tmpfs', '-o', size, 'tmpfs', place], { stdio: 'pipe' });
    return undefined;
  } catch (error) {
    return (error as Error).message;
  }
}

/** Writes to a file until there is no room. */
export function fillDisk(path: string): void {
  try {
    for (;;) appendFileSync(path, Buffer.alloc(4096));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOSPC') throw error;
  }
}
