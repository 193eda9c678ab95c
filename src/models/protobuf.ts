/** One field of a protobuf message: its number and what stands there; lists repeat the field. */
export type Field = [number: number, value: FieldValue | FieldValue[] | undefined];
/** bigint is a varint (int64), string and bytes are length-delimited (also nested messages), Float is fixed 32 bits. */
type FieldValue = bigint | string | Uint8Array | Float;
export interface Float {
  float: number;
}

/** Encodes a protobuf message (wire format of Protocol Buffers 2 and 3, lists unpacked); undefined is left out. */
export function encodeMessage(fields: Field[]): Uint8Array {
  const parts: Uint8Array[] = [];
  for (const [number, value] of fields) {
    for (const one of Array.isArray(value) ? value : [value]) {
      if (one !== undefined) parts.push(...encodeField(BigInt(number), one));
    }
  }
  return concatenate(parts);
}

const wireVarint = 0n;
const wireBytes = 2n;
const wireFixed32 = 5n;

function encodeField(number: bigint, value: FieldValue): Uint8Array[] {
  const tag = (wire: bigint) => encodeVarint((number << 3n) | wire);
  if (typeof value === 'bigint') return [tag(wireVarint), encodeVarint(value)];
  if (typeof value === 'object' && 'float' in value) {
    const bytes = new Uint8Array(4);
    new DataView(bytes.buffer).setFloat32(0, value.float, true);
    return [tag(wireFixed32), bytes];
  }
  const bytes = typeof value === 'string' ? new TextEncoder().encode(value) : value;
  return [tag(wireBytes), encodeVarint(BigInt(bytes.length)), bytes];
}

/** Seven bits a byte, low ones first; a negative int64 as its two's complement. */
function encodeVarint(value: bigint): Uint8Array {
  const bytes: number[] = [];
  let rest = BigInt.asUintN(64, value);
  for (; rest > 0x7fn; rest >>= 7n) bytes.push(Number(rest & 0x7fn) | 0x80);
  bytes.push(Number(rest));
  return Uint8Array.from(bytes);
}

function concatenate(parts: Uint8Array[]): Uint8Array {
  const whole = new Uint8Array(parts.reduce((length, part) => length + part.length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}
