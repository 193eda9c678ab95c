import { type ConfusionMatrix, sum } from '../evaluate/confusion.ts';

/** Mean recall of the classes that have cells; null where none has. */
export function balancedAccuracy(confusion: ConfusionMatrix): number | null {
  const recalls = confusion.flatMap((row, k) => (sum(row) > 0 ? [row[k]! / sum(row)] : []));
  return recalls.length === 0 ? null : sum(recalls) / recalls.length;
}
