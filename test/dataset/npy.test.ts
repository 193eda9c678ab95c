import fc from 'fast-check';
import { expect, test } from 'vitest';
import { decodeNpyHeader, encodeNpyHeader, npyHeaderBytes } from '../../src/dataset/npy.ts';

test('a header says what was encoded, in a length that never changes', () => {
  const shapes = fc.array(fc.nat(2 ** 31 - 1), { minLength: 1, maxLength: 4 });
  fc.assert(
    fc.property(fc.constantFrom('|u1', '<u2', '<f4'), shapes, (type, shape) => {
      const bytes = encodeNpyHeader(type, shape);
      expect(bytes.length).toBe(npyHeaderBytes);
      expect(decodeNpyHeader(bytes, 'x')).toEqual({
        type,
        shape,
        fortranOrder: false,
        offset: npyHeaderBytes,
      });
    }),
  );
});

test('headers as NumPy writes them are read: versions 1 and 2, Fortran order, no and one dimension', () => {
  const numpy = (version: number, text: string) => {
    const length = Buffer.alloc(version === 1 ? 2 : 4);
    if (version === 1) length.writeUInt16LE(text.length);
    else length.writeUInt32LE(text.length);
    return Buffer.concat([
      Buffer.from(`\x93NUMPY${String.fromCharCode(version)}\0`, 'latin1'),
      length,
      Buffer.from(text),
    ]);
  };
  const first = numpy(1, "{'descr': '<i8', 'fortran_order': True, 'shape': (3,), }\n");
  expect(decodeNpyHeader(first, 'x')).toEqual({
    type: '<i8',
    shape: [3],
    fortranOrder: true,
    offset: first.length,
  });
  const second = numpy(2, "{'descr': '|u1', 'fortran_order': False, 'shape': (), }\n");
  expect(decodeNpyHeader(second, 'x')).toMatchObject({ shape: [], offset: second.length });
});

test('bytes that are no header are refused by the name of their file', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 200 }), bytes => {
      expect(() => decodeNpyHeader(bytes, 'cells/images/00003.npy')).toThrow(
        /00003\.npy must be a NumPy array file/,
      );
    }),
  );
});
