import { isSource, sourceForms } from '../classifiers/sources.ts';
import { BrightcellError } from '../errors.ts';
import type { Learner } from '../learners/learner.ts';
import { learnerNames, maybeLoadLearner } from '../learners/registry.ts';
import { networkNames } from '../models/registry.ts';

/** A method's name taken apart. */
export type Method =
  | { kind: 'network'; name: string }
  | { kind: 'plain'; name: string; source: string; learner: string };

/**
 * Takes a name of the form `[source+]learner` apart: 'knn' (on pixels), 'features+forest', 'embedding:runs/first+knn'.
 * Any other name is that of a network: 'cellnet', or the path of a JSON file. Throws `option-invalid` for a name
 * that is neither; that a network's file can be read is found when it is built.
 */
export function parseMethod(name: string): Method {
  const plus = name.lastIndexOf('+');
  const learner = name.slice(plus + 1);
  if (learnerNames.includes(learner)) {
    const source = plus < 0 ? 'pixels' : name.slice(0, plus);
    if (isSource(source)) return { kind: 'plain', name, source, learner };
    throw invalid(
      `Before the "+" of ${JSON.stringify(name)} must stand ${sourceForms.join(' or ')}. Received ${JSON.stringify(source)}.`,
    );
  }
  if (networkNames.includes(name) || /[./\\]/.test(name)) return { kind: 'network', name };
  throw invalid(
    `model must be one of ${networkNames.join(', ')}, ${learnerNames.join(', ')}, one of ${sourceForms.join(', ')} with ` +
      `"+" and one of ${learnerNames.join(', ')}, or the path of a JSON file. Received ${name}.`,
  );
}

/** The learner of a plain method and its settings in full. Throws `option-invalid`. */
export async function loadLearner(
  method: Extract<Method, { kind: 'plain' }>,
  settings: Record<string, unknown>,
  // biome-ignore lint/suspicious/noExplicitAny: each learner has settings of its own type.
): Promise<{ learner: Learner<any>; settings: Record<string, unknown> }> {
  const learner = (await maybeLoadLearner(method.learner))!;
  return { learner, settings: learner.settings(settings) };
}

/**
 * The given settings and a seed, where chance plays a part in the method: for studies that repeat a method with
 * several seeds. Without a setting of that name, as kNN has none, the settings stay as they are.
 */
export async function withSeed(
  name: string,
  settings: Record<string, unknown>,
  seed: number,
): Promise<Record<string, unknown>> {
  return (await takesSeed(name)) ? { ...settings, seed } : settings;
}

/** Whether chance plays a part in a method. */
export async function takesSeed(name: string): Promise<boolean> {
  const method = parseMethod(name);
  if (method.kind === 'network') return true;
  return Object.hasOwn((await maybeLoadLearner(method.learner))!.rules, 'seed');
}

function invalid(message: string): BrightcellError {
  return new BrightcellError('option-invalid', message);
}
