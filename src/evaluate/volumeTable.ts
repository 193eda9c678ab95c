import { formatWideTable } from './table.ts';

/** Accuracies of one method on one part with one number of images: one a seed that came to its end. */
export interface VolumeEntry {
  method: string;
  part: string;
  size: number;
  accuracies: number[];
  failed: number;
}

/**
 * A table in the manner of Meng et al. 2019, Table II: rows are method and part, columns the number of training images.
 * Entries are the mean and the standard deviation over seeds, with the number of seeds that failed, if any.
 */
export function formatVolume(entries: readonly VolumeEntry[], width = 100): string {
  const sizes = [...new Set(entries.map(one => one.size))].sort((a, b) => a - b);
  const methods = [...new Set(entries.map(one => one.method))];
  const parts = [...new Set(entries.map(one => one.part))];
  const rows = methods.flatMap(method =>
    parts.map((part, i) => ({
      head: [i === 0 ? method : '', part],
      cells: sizes.map(size => {
        const entry = entries.find(one => one.method === method && one.part === part && one.size === size);
        return entry ? formatEntry(entry) : '-';
      }),
    })),
  );
  const titles = { head: ['Method', 'Part'], cells: sizes.map(size => size.toLocaleString('en-US')) };
  return formatWideTable(titles, rows, { width, ruleEvery: parts.length });
}

function formatEntry({ accuracies, failed }: VolumeEntry): string {
  const n = accuracies.length;
  if (n === 0) return 'failed';
  const mean = accuracies.reduce((sum, one) => sum + one, 0) / n;
  const variance = accuracies.reduce((sum, one) => sum + (one - mean) ** 2, 0) / Math.max(1, n - 1);
  const spread = n > 1 ? ` ±${Math.sqrt(variance).toFixed(3)}` : '';
  return `${mean.toFixed(3)}${spread}${failed > 0 ? ` (${failed} failed)` : ''}`;
}
