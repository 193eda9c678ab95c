import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { crc32, deflateRawSync } from 'node:zlib';
import { expect, test } from 'vitest';
import { Dataset } from '../../src/dataset/dataset.ts';
import { importImages } from '../../src/import/importImages.ts';
import { withFolder } from '../dataset/cells.ts';
import { grayPixels } from './files.ts';

function npy(type: string, shape: number[], data: Uint8Array): Buffer {
  const tuple = shape.length === 1 ? `${shape[0]},` : shape.join(', ');
  let text = `{'descr': '${type}', 'fortran_order': False, 'shape': (${tuple}), }`;
  text = `${text.padEnd(117)}\n`;
  const head = Buffer.from('\x93NUMPY\x01\x00\x00\x00', 'latin1');
  head.writeUInt16LE(text.length, 8);
  return Buffer.concat([head, Buffer.from(text, 'latin1'), data]);
}

/** A ZIP archive, deflated as numpy.savez_compressed does. */
function zip(files: Record<string, Buffer>): Buffer {
  const bodies: Buffer[] = [];
  const directory: Buffer[] = [];
  let offset = 0;
  for (const [name, data] of Object.entries(files)) {
    const packed = deflateRawSync(data);
    const common = Buffer.alloc(26);
    common.writeUInt16LE(20, 0);
    common.writeUInt16LE(8, 4);
    common.writeUInt32LE(crc32(data), 10);
    common.writeUInt32LE(packed.length, 14);
    common.writeUInt32LE(data.length, 18);
    common.writeUInt16LE(name.length, 22);
    const local = Buffer.concat([Buffer.from('PK\x03\x04', 'latin1'), common, Buffer.from(name), packed]);
    const tail = Buffer.alloc(14);
    tail.writeUInt32LE(offset, 10);
    directory.push(Buffer.from('PK\x01\x02\x14\x00', 'latin1'), common, tail, Buffer.from(name));
    bodies.push(local);
    offset += local.length;
  }
  const central = Buffer.concat(directory);
  const end = Buffer.alloc(22);
  end.write('PK\x05\x06', 0, 'latin1');
  end.writeUInt16LE(bodies.length, 8);
  end.writeUInt16LE(bodies.length, 10);
  end.writeUInt32LE(central.length, 12);
  end.writeUInt32LE(offset, 16);
  return Buffer.concat([...bodies, central, end]);
}

const images = (count: number, first: number) =>
  Buffer.concat(Array.from({ length: count }, (_, i) => grayPixels(28, 28, first + i)));
const medmnist = () => ({
  'train_images.npy': npy('|u1', [5, 28, 28], images(5, 0)),
  'train_labels.npy': npy('|u1', [5, 1], Uint8Array.of(0, 10, 2, 0, 10)),
  'val_images.npy': npy('|u1', [2, 28, 28], images(2, 5)),
  'val_labels.npy': npy('<i8', [2, 1], Uint8Array.of(2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0)),
  'test_images.npy': npy('|u1', [1, 28, 28], images(1, 7)),
  'test_labels.npy': npy('|u1', [1], Uint8Array.of(10)),
});

test('a MedMNIST archive is imported image by image, with its split, and goes on where it stopped', () =>
  withFolder(async folder => {
    const file = join(folder, 'cells.npz');
    await writeFile(file, zip(medmnist()));
    const out = join(folder, 'out');
    const report = await importImages(file, out, { size: [28, 28] });
    expect(report).toMatchObject({
      layout: 'MedMNIST archive of train_images, val_images, test_images',
      added: 8,
      classes: [
        { name: '0', count: 3 },
        { name: '2', count: 2 },
        { name: '10', count: 3 },
      ],
      warnings: ['The archive has no class names; its labels are used as names.'],
    });
    const dataset = await Dataset.open(out, 'read');
    for (let id = 0; id < 8; id++) expect(dataset.images().read(id)).toEqual(grayPixels(28, 28, id));
    const rows = await dataset.query(
      'SELECT source, frame, split FROM cells WHERE id IN (4, 5, 7) ORDER BY id',
    );
    expect(rows).toEqual([
      { source: 'train_images', frame: 4, split: 'train' },
      { source: 'val_images', frame: 0, split: 'validation' },
      { source: 'test_images', frame: 0, split: 'test' },
    ]);
    await dataset.close();
    expect(await importImages(file, out, { size: [28, 28] })).toMatchObject({ added: 0, alreadyThere: 8 });
  }));

test('colour and 16-bit archives are read, and class names can be given', () =>
  withFolder(async folder => {
    const file = join(folder, 'rgb.npz');
    const pixels = Uint8Array.from({ length: 3 * 4 * 5 * 3 }, (_, i) => i);
    const labels = npy('|u1', [3, 1], Uint8Array.of(0, 1, 1));
    await writeFile(
      file,
      zip({ 'train_images.npy': npy('|u1', [3, 4, 5, 3], pixels), 'train_labels.npy': labels }),
    );
    const options = { size: [4, 5] as [number, number], channels: [0, 2], classes: ['live', 'dead'] };
    const report = await importImages(file, join(folder, 'out'), options);
    expect(report.classes).toEqual([
      { name: 'live', count: 1 },
      { name: 'dead', count: 2 },
    ]);
    const dataset = await Dataset.open(join(folder, 'out'), 'read');
    expect([...dataset.images().read(1).subarray(0, 3)]).toEqual([60, 63, 66]);
    await dataset.close();
    const wide = Uint16Array.from({ length: 2 * 3 * 3 }, (_, i) => i * 3000);
    const bytes = new Uint8Array(wide.buffer);
    const two = npy('|u1', [2], Uint8Array.of(0, 1));
    await writeFile(file, zip({ 'train_images.npy': npy('<u2', [2, 3, 3], bytes), 'train_labels.npy': two }));
    expect(await importImages(file, join(folder, 'out16'), { size: [3, 3] })).toMatchObject({
      pixelType: 'uint16',
    });
  }));

test('archives of another kind are refused with what is wrong', () =>
  withFolder(async folder => {
    const whole = medmnist();
    const file = join(folder, 'cells.npz');
    const refuse = async (files: Record<string, Buffer> | Buffer, message: RegExp, options = {}) => {
      await writeFile(file, files instanceof Buffer ? files : zip(files as Record<string, Buffer>));
      const error = await importImages(file, join(folder, 'out'), options).catch(error => error);
      expect(error.message).toMatch(message);
      expect(error.code).toBe('source-invalid');
    };
    await refuse(Buffer.from('no archive'), /must be an \.npz file/);
    await refuse({}, /Received an empty archive/);
    await refuse(
      { 'x.npy': whole['train_images.npy'] },
      /must hold train_images and train_labels.* Received x\.npy/,
    );
    await refuse(
      { 'train_images.npy': whole['train_images.npy'] },
      /must hold train_labels beside train_images/,
    );
    await refuse(
      { ...whole, 'train_labels.npy': npy('|u1', [4], Buffer.alloc(4)) },
      /Received 5 images, 4 labels/,
    );
    await refuse(
      { ...whole, 'train_labels.npy': npy('|u1', [5, 14], Buffer.alloc(70)) },
      /one label an image.*\[5, 14\]/,
    );
    await refuse({ ...whole, 'train_labels.npy': npy('<f4', [5], Buffer.alloc(20)) }, /whole numbers.*<f4/);
    await refuse(
      { ...whole, 'train_labels.npy': npy('|i1', [5], Buffer.from([0, 255, 0, 0, 0])) },
      /from 0. Received -1/,
    );
    await refuse(
      { ...whole, 'train_images.npy': npy('|u1', [5, 8, 8, 8], Buffer.alloc(2560)) },
      /must have the shape/,
    );
    await refuse(
      { ...whole, 'train_images.npy': npy('<f4', [5, 2, 2], Buffer.alloc(80)) },
      /type \|u1 or <u2. Received <f4/,
    );
    await refuse({ ...whole, 'train_images.npy': Buffer.from('nothing of NumPy here, not at all') }, /NumPy/);
    await refuse({ ...whole, 'train_images.npy': npy('|u1', [5, 28, 28], images(4, 0)) }, /cut short/);
    await refuse(whole, /labels up to 10, but only 2 class names/, { classes: ['a', 'b'] });
  }));
