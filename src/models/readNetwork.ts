import { readFile } from 'node:fs/promises';
import { z } from 'zod';
import type { ImageShape } from '../engine/imageSet.ts';
import type { DecoderSpec, LayerSpec, NetworkSpec } from '../engine/networkSpec.ts';
import { BrightcellError } from '../errors.ts';

/** A network of the user's own: a `NetworkSpec` whose last layer may say `"units": "classes"`. */
export interface NetworkTemplate {
  name?: string;
  /** Absent: takes images of any shape that its layers allow. */
  input?: ImageShape;
  layers: (LayerSpec | { type: 'dense'; units: 'classes'; bias?: boolean })[];
  decoder?: DecoderSpec;
}

const count = z.int().min(1).max(1_000_000);
const extent = z.union([count, z.tuple([count, count])]);
const pad = z.int().min(0).max(10_000);
const padding = z.union([z.enum(['same', 'valid']), z.tuple([pad, pad, pad, pad])]);
const fraction = z.number().min(0).lt(1);

const layer = z.discriminatedUnion('type', [
  z.strictObject({
    type: z.literal('conv'),
    filters: count,
    kernel: extent,
    stride: extent.default(1),
    padding: padding.default('valid'),
    bias: z.boolean().optional(),
  }),
  ...(['maxPool', 'averagePool'] as const).map(type =>
    z.strictObject({
      type: z.literal(type),
      size: extent,
      stride: extent.optional(),
      padding: padding.default('valid'),
    }),
  ),
  z.strictObject({
    type: z.literal('batchNorm'),
    decay: fraction.optional(),
    epsilon: z.number().positive().optional(),
  }),
  z.strictObject({
    type: z.literal('dense'),
    units: z.union([count, z.literal('classes')]),
    bias: z.boolean().optional(),
  }),
  z.strictObject({ type: z.literal('dropout'), rate: fraction }),
  z.strictObject({ type: z.literal('upsample'), size: extent }),
  z.strictObject({ type: z.literal('reshape'), shape: z.tuple([count, count, count]) }),
  ...(['relu', 'tanh', 'scaledTanh', 'sigmoid'] as const).map(type =>
    z.strictObject({ type: z.literal(type) }),
  ),
]);

const side = z.int().min(1).max(20_000);
const template = z.strictObject({
  name: z.string().min(1).optional(),
  input: z.strictObject({ channels: z.int().min(1).max(64), height: side, width: side }).optional(),
  layers: z.array(layer).min(1).max(1000),
  decoder: z.strictObject({ from: z.int().min(0), layers: z.array(layer).min(1).max(1000) }).optional(),
});

/** Reads a network from a JSON file. Throws `network-invalid`, naming the layer and what it allows. */
export async function readNetwork(path: string): Promise<NetworkTemplate> {
  const text = await readFile(path, 'utf8').catch(cause => {
    throw new BrightcellError(
      'network-invalid',
      `The network file ${path} cannot be read: ${cause.message}.`,
      {
        cause,
      },
    );
  });
  let parsed: unknown;
  try {
    parsed = JSON.parse(text);
  } catch (cause) {
    throw invalid(path, `It is not JSON: ${(cause as Error).message}.`);
  }
  return parseNetwork(parsed, path);
}

/** Checks a network given as data; `source` names it in errors. */
export function parseNetwork(value: unknown, source: string): NetworkTemplate {
  const result = template.safeParse(value);
  if (result.success) return result.data as NetworkTemplate;
  const { path, message } = mostTelling(result.error.issues[0]!);
  throw invalid(source, `${placeOf(path, value)}: ${message}.`);
}

/** The template for images of `input` and K classes, checked against both. */
export function completeNetwork(
  network: NetworkTemplate,
  input: ImageShape,
  classes: number,
  source: string,
): NetworkSpec {
  checkInput(network.input, input, source);
  const last = network.layers.at(-1)!;
  if (last.type !== 'dense') {
    throw invalid(
      source,
      `The last layer must be dense with "units": "classes". Received "${last.type}"; softmax is added by itself.`,
    );
  }
  if (last.units !== 'classes' && last.units !== classes) {
    throw invalid(
      source,
      `The last layer must have ${classes} units, one a class of the data set, or "classes". Received ${last.units}.`,
    );
  }
  const layers = network.layers.map((one, index) => {
    if (one.type !== 'dense' || one.units !== 'classes') return one as LayerSpec;
    if (index < network.layers.length - 1) {
      throw invalid(source, `Layer ${index} (dense): only the last layer may have "units": "classes".`);
    }
    return { ...one, units: classes };
  });
  if (network.decoder?.layers.some(one => one.type === 'dense' && (one.units as unknown) === 'classes')) {
    throw invalid(source, 'A dense layer of the decoder must have a number of "units". Received "classes".');
  }
  return {
    name: network.name ?? 'custom',
    input,
    layers,
    ...(network.decoder && { decoder: network.decoder }),
  };
}

function checkInput(wanted: ImageShape | undefined, given: ImageShape, source: string): void {
  if (!wanted) return;
  const { channels, height, width } = wanted;
  if (channels === given.channels && height === given.height && width === given.width) return;
  throw invalid(
    source,
    `It takes images of ${channels} x ${height} x ${width}; the data set holds ${given.channels} x ${given.height} x ` +
      `${given.width}. Import with --size ${height}x${width}, or leave "input" out of the file.`,
  );
}

function invalid(source: string, what: string): BrightcellError {
  return new BrightcellError('network-invalid', `${source} must describe a network. ${what}`, {
    fields: { source },
  });
}

/** A union's own message says only "invalid input"; the first issue of its last branch says more. */
function mostTelling(issue: z.core.$ZodIssue): { path: PropertyKey[]; message: string } {
  if (issue.code === 'invalid_union' && issue.errors.length > 0) {
    const texts = issue.errors
      .map(branch => branch[0]?.message.replace(/^Invalid \w+: /, ''))
      .filter(Boolean);
    if (texts.length > 0) return { path: issue.path, message: texts.join(', or ') };
  }
  if (issue.code === 'invalid_union' && issue.path.at(-1) === 'type') {
    return { path: issue.path, message: `known layers are ${layerTypes.join(', ')}` };
  }
  return { path: issue.path, message: issue.message };
}

const layerTypes = [
  'conv',
  'maxPool',
  'averagePool',
  'batchNorm',
  'dense',
  'dropout',
  'upsample',
  'reshape',
  'relu',
  'tanh',
  'scaledTanh',
  'sigmoid',
];

function placeOf(path: PropertyKey[], value: unknown): string {
  if (path[0] === 'decoder' && path[1] === 'layers')
    return `The decoder's ${placeOf(path.slice(1), (value as NetworkTemplate).decoder)}`.replace(
      's Layer',
      's layer',
    );
  if (path[0] !== 'layers' || typeof path[1] !== 'number')
    return path.length ? `"${path.join('.')}"` : 'The file';
  const type = (value as NetworkTemplate).layers[path[1]]?.type;
  const field = path.slice(2).join('.');
  return `Layer ${path[1]}${typeof type === 'string' ? ` (${type})` : ''}${field ? `, "${field}"` : ''}`;
}
