import { crc32 } from 'node:zlib';
import type { DuckDBAppender } from '@duckdb/node-api';
import { qualityFeatures } from '../engine/prepare.ts';
import { BrightcellError } from '../errors.ts';
import { appendRows, appendText, type Catalogue } from './catalogue.ts';
import { bytesPerCell, type DatasetHeader, type NewCell, splitNames } from './format.ts';
import type { Shards } from './shards.ts';

/** Throws `option-invalid` for the first cell that does not fit the header. */
export function checkCells(cells: readonly NewCell[], header: DatasetHeader): void {
  for (const cell of cells) {
    const wrong = maybeWrong(cell, header);
    if (wrong !== undefined)
      throw new BrightcellError(
        'option-invalid',
        `The cell from ${cell.source} (frame ${cell.frame}) ${wrong}.`,
      );
  }
}

function maybeWrong(cell: NewCell, header: DatasetHeader): string | undefined {
  const { pixels, label, quality, split } = cell;
  const type = pixels instanceof Uint16Array ? 'uint16' : 'uint8';
  if (type !== header.pixelType) return `must have ${header.pixelType} pixels. Received ${type}`;
  if (pixels.byteLength !== bytesPerCell(header))
    return `must have ${bytesPerCell(header)} bytes of pixels. Received ${pixels.byteLength}`;
  if (!Number.isInteger(label) || label < -1 || label >= header.classes.length)
    return `must have a label from -1 to ${header.classes.length - 1}. Received ${label}`;
  if (quality.length !== qualityFeatures.length || !quality.every(Number.isFinite))
    return `must have ${qualityFeatures.length} finite quality features. Received [${quality.join(', ')}]`;
  for (const number of [cell.frame, cell.rawHeight, cell.rawWidth])
    if (!Number.isInteger(number) || number < 0) return `must have whole sizes and frame. Received ${number}`;
  if (split && !splitNames.includes(split))
    return `must have a split of ${splitNames.join(', ')}. Received ${split}`;
  return undefined;
}

/** Pixels first, synced; then the catalogue's rows in one transaction: that is the moment of committing. */
export async function appendCells(
  cells: readonly NewCell[],
  first: number,
  shards: Shards,
  catalogue: Catalogue,
): Promise<void> {
  const pixels = cells.map(cell => cell.pixels);
  await shards.write(first, pixels);
  await catalogue.transaction(connection =>
    appendRows(connection, 'cells', cells.length, (appender, i) => {
      appendCell(appender, cells[i]!, first + i, shards.place(first + i));
    }),
  );
}

/** In the order of `cellColumns`. */
function appendCell(
  appender: DuckDBAppender,
  cell: NewCell,
  id: number,
  place: { shard: number; row: number },
): void {
  appender.appendInteger(id);
  appender.appendInteger(place.shard);
  appender.appendInteger(place.row);
  appender.appendInteger(cell.label);
  appendText(appender, cell.group);
  appender.appendVarchar(cell.source);
  appender.appendInteger(cell.frame);
  appender.appendInteger(cell.rawHeight);
  appender.appendInteger(cell.rawWidth);
  appender.appendUInteger(pixelChecksum(cell.pixels));
  appendText(appender, cell.truth);
  appendText(appender, cell.split); // as imported: later splits leave it alone
  appender.appendNull(); // verdict
  appender.appendNull(); // reason
  appender.appendNull(); // verdict_by
  appendText(appender, cell.split);
  appender.appendNull(); // fold
  for (const value of cell.quality) appender.appendFloat(value);
}

function pixelChecksum(pixels: Uint8Array | Uint16Array): number {
  return crc32(new Uint8Array(pixels.buffer, pixels.byteOffset, pixels.byteLength));
}
