import type { ImageSet } from '../engine/imageSet.ts';
import { type LightOfImages, lightOfSessions } from '../engine/light.ts';
import type { Catalogue } from './catalogue.ts';

/** Images measured at once. */
const chunk = 4096;

/**
 * The light of the session of every cell: a session is a group (run, donor, day), and cells without one are a session
 * together. Rejected cells get their session's light and have no part in it.
 */
export async function measureSessions(catalogue: Catalogue, images: ImageSet): Promise<LightOfImages> {
  const rows = await catalogue.select(
    'SELECT "group" AS session, verdict IS DISTINCT FROM \'rejected\' AS counted FROM cells ORDER BY id',
  );
  const light = new Float32Array(2 * images.count);
  for (let at = 0; at < images.count; at += chunk) {
    const ids = Int32Array.from({ length: Math.min(chunk, images.count - at) }, (_, i) => at + i);
    light.set(await images.measureLight(ids), 2 * at);
  }
  return lightOfSessions(
    light,
    rows.map(row => row.session),
    i => rows[i]!.counted === true,
  );
}
