import { z } from 'zod';
import { corruptModel } from '../models/modelFiles.ts';
import { readSafetensors } from '../models/safetensors.ts';

/** What `Fitted.facts` may hold. */
export const factsSchema = z.record(z.string(), z.union([z.number(), z.string(), z.boolean(), z.null()]));

/** The tables of those names in a safetensors file; throws `model-corrupt` where one is missing or another is there. */
export async function readTables<Tables extends object>(
  path: string,
  names: readonly (keyof Tables & string)[],
): Promise<Tables> {
  const { tensors } = await readSafetensors(path);
  const tables = new Map(tensors.map(({ name, data }) => [name, data]));
  for (const name of names) if (!tables.has(name)) throw corruptModel(path, `it lacks "${name}"`);
  for (const name of tables.keys())
    if (!(names as readonly string[]).includes(name)) throw corruptModel(path, `it has a table "${name}"`);
  return Object.fromEntries(tables) as Tables;
}
