// Draws the picture of README.md from a finished demo: node scripts/picture.mjs brightcell-demo docs/images/demo.png
// Rows are the true types; each cell of the test part carries the type that the network gave it.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import sharp from 'sharp';

const [, , demo = 'brightcell-demo', out = 'docs/images/demo.png'] = process.argv;
const columns = 6;
const tile = { width: 150, height: 76, label: 20, gap: 8 };
const left = 76;

const rows = readFileSync(join(demo, 'runs/demo/evaluation/predictions.csv'), 'utf8').trim().split('\n');
const names = rows[0].split(',');
const cells = rows
  .slice(1)
  .map(line => Object.fromEntries(line.split(',').map((value, i) => [names[i], value])))
  .filter(cell => cell.part === 'test');
const classes = [...new Set(cells.map(cell => cell.label))].sort();

const step = { x: tile.width + tile.gap, y: tile.height + tile.label + tile.gap };
const width = left + columns * step.x;
const height = classes.length * step.y + tile.gap;
const layers = [];
let drawing = '';
for (const [r, label] of classes.entries()) {
  const top = tile.gap + r * step.y;
  drawing += text(8, top + tile.height / 2 + 5, label, '#222', 'bold');
  // The first of the catalogue, not the best: neither the program nor its author chose them.
  for (const [c, cell] of cells
    .filter(cell => cell.label === label)
    .slice(0, columns)
    .entries()) {
    const x = left + c * step.x;
    const right = cell.predicted === label;
    const share = Math.round(100 * Number(cell[`probability_${cell.predicted}`]));
    drawing += `<rect x="${x - 2}" y="${top - 2}" width="${tile.width + 4}" height="${tile.height + 4}" fill="${right ? '#1b7f3b' : '#c23b22'}"/>`;
    drawing += text(x, top + tile.height + 16, `${cell.predicted} ${share} %`, right ? '#1b7f3b' : '#c23b22');
    const input = await sharp(join(demo, 'images', cell.source))
      .resize(tile.width, tile.height, { fit: 'fill' })
      .toBuffer();
    layers.push({ input, left: x, top });
  }
}
const svg = `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}"><rect width="100%" height="100%" fill="white"/>${drawing}</svg>`;
await sharp(Buffer.from(svg)).composite(layers).png({ compressionLevel: 9, palette: true }).toFile(out);

function text(x, y, words, colour, weight = 'normal') {
  return `<text x="${x}" y="${y}" font-family="DejaVu Sans, sans-serif" font-size="14" font-weight="${weight}" fill="${colour}">${words}</text>`;
}
