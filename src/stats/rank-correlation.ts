import { mean } from './summary.ts';

/**
 * Spearman's rank correlation of paired values: Pearson's of their ranks, equal values sharing the mean of theirs (as scipy.stats.spearmanr).
 * Undefined for fewer than three pairs, or where one side has one value only.
 */
export function rankCorrelation(pairs: readonly (readonly [number, number])[]): number | undefined {
  if (pairs.length < 3) return undefined;
  const [first, second] = [ranks(pairs.map(([one]) => one)), ranks(pairs.map(([, other]) => other))];
  const middle = mean(first);
  let [both, ofFirst, ofSecond] = [0, 0, 0];
  for (const [index, rank] of first.entries()) {
    const [a, b] = [rank - middle, (second[index] ?? middle) - middle];
    both += a * b;
    ofFirst += a * a;
    ofSecond += b * b;
  }
  return ofFirst > 0 && ofSecond > 0 ? both / Math.sqrt(ofFirst * ofSecond) : undefined;
}

function ranks(values: readonly number[]): readonly number[] {
  const sorted = values.toSorted((a, b) => a - b);
  return values.map((value) => (sorted.indexOf(value) + sorted.lastIndexOf(value)) / 2);
}
