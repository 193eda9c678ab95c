import { cpus, homedir } from 'node:os';
import { join } from 'node:path';

/**
 * Folder where the core remembers which way it found fastest for a convolution on this processor, one file of a few
 * bytes a layer: BRIGHTCELL_CACHE, or the user's cache folder. Undefined where BRIGHTCELL_CACHE is empty: then a process
 * measures for itself.
 */
export function waysFolder(
  environment: NodeJS.ProcessEnv = process.env,
  platform: NodeJS.Platform = process.platform,
): string | undefined {
  const cache = environment['BRIGHTCELL_CACHE'] ?? join(userCache(environment, platform), 'brightcell');
  if (cache === '') return undefined;
  const processor = (cpus()[0]?.model ?? 'unknown').replaceAll(/[^A-Za-z0-9]+/g, '-').slice(0, 80);
  return join(cache, 'ways', processor);
}

function userCache(environment: NodeJS.ProcessEnv, platform: NodeJS.Platform): string {
  if (platform === 'win32') return environment['LOCALAPPDATA'] ?? join(homedir(), 'AppData', 'Local');
  if (platform === 'darwin') return join(homedir(), 'Library', 'Caches');
  return environment['XDG_CACHE_HOME'] || join(homedir(), '.cache');
}
