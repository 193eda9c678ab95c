// The messages of an ONNX file. Field numbers are those of onnx.proto.
import { encodeMessage, type Field } from './protobuf.ts';

const opset = 17n;
const irVersion = 8n;

type OnnxArray = Float32Array | Uint8Array | Int8Array | Int32Array | BigInt64Array;

/** Operations and constants, in the order in which they were added. */
export class OnnxGraph {
  readonly #nodes: Uint8Array[] = [];
  readonly #initialisers: Uint8Array[] = [];

  /** Bytes of all constants. */
  get size(): number {
    return this.#initialisers.reduce((total, one) => total + one.length, 0);
  }

  /** Adds an operation, of ONNX itself where no domain is given; gives the name of its result. */
  add(
    operation: string,
    inputs: string[],
    output: string,
    attributes: Uint8Array[] = [],
    domain?: string,
  ): string {
    this.#nodes.push(
      encodeMessage([
        [1, inputs],
        [2, output],
        [3, output],
        [4, operation],
        [5, attributes],
        [7, domain],
      ]),
    );
    return output;
  }

  /** Adds a constant array; gives its name. */
  constant(name: string, shape: readonly number[], data: OnnxArray): string {
    const bytes = new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
    this.#initialisers.push(
      encodeMessage([
        [1, shape.map(BigInt)],
        [2, typeOf(data)],
        [8, name],
        [9, bytes],
      ]),
    );
    return name;
  }

  scalar(name: string, value: number): string {
    return this.constant(name, [], Float32Array.of(value));
  }

  /** The file: the graph under a name, its inputs and outputs, further domains of operations, and metadata. */
  encode(model: {
    name: string;
    inputs: Uint8Array[];
    outputs: Uint8Array[];
    domains?: [name: string, version: bigint][];
    metadata?: Record<string, string>;
  }): Uint8Array {
    const graph = encodeMessage([
      [1, this.#nodes],
      [2, model.name],
      [5, this.#initialisers],
      [11, model.inputs],
      [12, model.outputs],
    ]);
    const own = encodeMessage([[2, opset]]);
    const others = (model.domains ?? []).map(([name, version]) =>
      encodeMessage([
        [1, name],
        [2, version],
      ]),
    );
    const metadata = Object.entries(model.metadata ?? {}).map(([key, value]) =>
      encodeMessage([
        [1, key],
        [2, value],
      ]),
    );
    return encodeMessage([
      [1, irVersion],
      [2, 'brightcell'],
      [7, graph],
      [8, [own, ...others]],
      [14, metadata],
    ]);
  }
}

function typeOf(data: OnnxArray): bigint {
  if (data instanceof Float32Array) return 1n;
  if (data instanceof Uint8Array) return 2n;
  if (data instanceof Int8Array) return 3n;
  return data instanceof Int32Array ? 6n : 7n;
}

export function intAttribute(name: string, value: number): Uint8Array {
  return attribute(name, 2n, [3, BigInt(value)]);
}

export function intsAttribute(name: string, values: readonly number[]): Uint8Array {
  return attribute(name, 7n, [8, values.map(BigInt)]);
}

export function floatAttribute(name: string, value: number): Uint8Array {
  return attribute(name, 1n, [2, { float: value }]);
}

export function textAttribute(name: string, value: string): Uint8Array {
  return attribute(name, 3n, [4, value]);
}

function attribute(name: string, type: bigint, value: Field): Uint8Array {
  return encodeMessage([[1, name], value, [20, type]]);
}

/** A float32 tensor's name and shape; an undefined side is free. */
export function valueInfo(name: string, shape: (number | undefined)[]): Uint8Array {
  const sides = shape.map((side, i) =>
    encodeMessage([side === undefined ? [2, i === 0 ? 'N' : `${name}${i}`] : [1, BigInt(side)]]),
  );
  const tensorType = encodeMessage([
    [1, 1n],
    [2, encodeMessage([[1, sides]])],
  ]);
  return encodeMessage([
    [1, name],
    [2, encodeMessage([[1, tensorType]])],
  ]);
}
