// N images, D numbers of each.
import type { LoadedClassifier } from '../classifiers/classifier.ts';
import { CnnClassifier } from '../classifiers/cnn.ts';
import { VectorClassifier } from '../classifiers/vectorClassifier.ts';
import type { ImageSet } from '../engine/imageSet.ts';
import type { MapShape } from '../engine/networkShape.ts';
import { BrightcellError } from '../errors.ts';
import type { Job } from '../job.ts';
import { type NamedLayer, nameLayers } from './layers.ts';

/** What a classifier makes of an image at one place on the way to its class. */
export interface Output {
  /** "input", a layer's name ("conv2"), or the kind of vectors of a plain method ("features"). */
  name: string;
  /** [C, H, W]. */
  shape: MapShape;
  /** D = C H W. */
  dimensions: number;
  /** Whether its numbers are measurements in different units. */
  hasUnits: boolean;
  /** N x D, row major. */
  read(images: ImageSet, rows: Int32Array, job?: Job): Promise<Float32Array>;
}

/**
 * The outputs by their names; `'steps'`: what each layer with weights is given, and what the last one gives; `'all'`:
 * the input and every layer but those that change no number. A plain method has its pixels and its vectors. Throws
 * `option-invalid` for a name that is not there, listing those that are, and for a classifier of another kind.
 */
export function chooseOutputs(
  classifier: LoadedClassifier,
  wanted: 'all' | 'steps' | readonly string[],
): Output[] {
  const known = listOutputs(classifier);
  if (wanted === 'all') return known.filter(one => !one.isCopy);
  if (wanted === 'steps') return known.filter(one => one.isStep);
  if (wanted.length === 0) throw invalid('Layers must be named, at least one. Received none.');
  return [...new Set(wanted)].map(name => {
    const found = known.find(one => one.name === name || one.index === name);
    if (found) return found;
    const names = known.map(one => `${one.name} (${one.shape.join(' x ')})`);
    throw invalid(`There is no layer "${name}" in this model. There are: ${names.join(', ')}.`);
  });
}

interface ListedOutput extends Output {
  /** Its place among a network's layers. */
  index: string;
  isCopy: boolean;
  isStep: boolean;
}

function listOutputs(classifier: LoadedClassifier): ListedOutput[] {
  if (classifier instanceof CnnClassifier) return listOfNetwork(classifier);
  if (classifier instanceof VectorClassifier) return listOfVectors(classifier);
  throw invalid(
    'Only networks and plain methods have vectors to embed. Received a classifier of another kind.',
  );
}

function listOfNetwork({ network, normalisation }: CnnClassifier): ListedOutput[] {
  const layers = nameLayers(network.spec);
  const { channels, height, width } = network.spec.input;
  const isWeighted = (layer?: NamedLayer) => layer?.type === 'conv' || layer?.type === 'dense';
  const lasting = layers.findLastIndex(one => !copies.has(one.type));
  const input: ListedOutput = {
    ...describe('input', [channels, height, width]),
    ...{ index: '', isCopy: false, isStep: true },
    read: (images, rows) => images.load(rows, normalisation),
  };
  return [
    input,
    ...layers.map((layer, i) => ({
      ...describe(layer.name, layer.shape),
      index: String(layer.index),
      isCopy: copies.has(layer.type),
      isStep: i === lasting || (isWeighted(layers[i + 1]) && !isFirst(layers, i)),
      read: (images: ImageSet, rows: Int32Array) =>
        network.activations({ images, rows, normalisation }, layer.index),
    })),
  ];
}

/** Layers that hand on what they are given. */
const copies = new Set<string>(['dropout', 'reshape']);

/** Whether no layer has changed a number up to here: what follows is given the input. */
function isFirst(layers: NamedLayer[], i: number): boolean {
  return layers.slice(0, i + 1).every(one => copies.has(one.type));
}

function listOfVectors(classifier: VectorClassifier): ListedOutput[] {
  const { height, width, channels } = classifier.preparation;
  const shape: MapShape = [channels === 'gray' ? 1 : channels.length, height, width];
  const listed = { isCopy: false, isStep: true };
  const pixels = { ...describe('pixels', shape), ...listed, index: '0', read: readPixels };
  const { name, dimensions, hasUnits } = classifier.vectorKind;
  if (name === 'pixels') return [pixels];
  const vectors = {
    ...describe(name, [dimensions, 1, 1]),
    ...listed,
    hasUnits,
    index: '1',
    read: (images: ImageSet, rows: Int32Array, job?: Job) => readVectors(classifier, images, rows, job),
  };
  return [pixels, vectors];
}

function describe(name: string, shape: MapShape) {
  return { name, shape, dimensions: shape[0] * shape[1] * shape[2], hasUnits: false };
}

async function readPixels(images: ImageSet, rows: Int32Array): Promise<Float32Array> {
  return images.load(rows, 'none');
}

async function readVectors(
  classifier: VectorClassifier,
  images: ImageSet,
  rows: Int32Array,
  job?: Job,
): Promise<Float32Array> {
  const made = await classifier.vectors(images, rows, job);
  try {
    return made.values!.slice();
  } finally {
    made.release();
  }
}

function invalid(message: string): BrightcellError {
  return new BrightcellError('option-invalid', message);
}
