import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { fileURLToPath } from 'node:url';
import { BrightcellError } from '../errors.ts';
import { waysFolder } from './ways.ts';

/** The compiled native core. Nothing outside `src/engine/` imports this. */
export const addon = checkInstructionSet(loadAddon());

const folder = waysFolder();
if (folder !== undefined) addon.rememberWays(folder);

// biome-ignore lint/suspicious/noExplicitAny: each file of this folder types the part it uses.
function loadAddon(): any {
  const require = createRequire(import.meta.url);
  const built = fileURLToPath(new URL('../../native/build/Release/brightcell.node', import.meta.url));
  if (existsSync(built)) return require(built);
  const platformPackage = `@brightcell/native-${process.platform}-${process.arch}`;
  try {
    return require(platformPackage);
  } catch (cause) {
    throw new BrightcellError(
      'native-missing',
      `The native core is neither built (${built}) nor installed (${platformPackage}). ` +
        'In a clone run "npm run build"; otherwise reinstall brightcell without --omit=optional.',
      { cause, fields: { built, platformPackage } },
    );
  }
}

// biome-ignore lint/suspicious/noExplicitAny: as above.
function checkInstructionSet(loaded: any): any {
  try {
    loaded.instructionSet();
    return loaded;
  } catch (cause) {
    throw new BrightcellError('option-invalid', `BRIGHTCELL_ISA: ${(cause as Error).message}`, { cause });
  }
}
