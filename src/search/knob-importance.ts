import { mean, squaredDeviations } from '../stats/summary.ts';
import { valueKey, type KnobObservation, type KnobSpace, type KnobValue } from './knob-space.ts';

/**
 * Share of the losses' variance that each knob explains alone, 0 to 1, by knob name: epsilon squared of a one-way analysis
 * (Kelley 1935), numeric knobs cut into three groups of equal size. Interactions are not seen; failed experiments and those
 * that lack the knob are left out. Undefined where fewer than 6 observations or a single group are left.
 */
export function knobImportance(
  space: KnobSpace,
  history: readonly KnobObservation[],
): ReadonlyMap<string, number | undefined> {
  return new Map(space.map((knob) => [knob.name, explainedShare(knob.name, history)]));
}

type Pair = { readonly value: KnobValue; readonly loss: number };

function explainedShare(name: string, history: readonly KnobObservation[]): number | undefined {
  const pairs = history.flatMap(({ values, loss }): Pair[] => {
    const value = values[name];
    return value === undefined || loss === undefined || !Number.isFinite(loss) ? [] : [{ value, loss }];
  });
  if (pairs.length < 6) return undefined;
  const groups = groupLosses(pairs);
  if (groups.length < 2 || groups.length >= pairs.length) return undefined;
  const total = squaredDeviations(pairs.map((pair) => pair.loss));
  if (total === 0) return 0;
  const within = groups.reduce((sum, group) => sum + squaredDeviations(group), 0);
  const withinMean = within / (pairs.length - groups.length);
  return Math.max(0, (total - within - (groups.length - 1) * withinMean) / total);
}

/** One group for each value, or thirds by rank where a numeric knob has more than three; equal values stay together. */
function groupLosses(pairs: readonly Pair[]): number[][] {
  const byValue = Map.groupBy(pairs, (pair) => valueKey(pair.value));
  const groups = [...byValue.values()].map((group) => ({
    value: group[0]?.value,
    losses: group.map((pair) => pair.loss),
  }));
  if (groups.length <= 3 || typeof groups[0]?.value !== 'number') return groups.map((group) => group.losses);
  const sorted = groups.toSorted((left, right) => Number(left.value) - Number(right.value));
  const thirds: number[][] = [[], [], []];
  let seen = 0;
  for (const { losses } of sorted) {
    const middleRank = (seen + losses.length / 2) / pairs.length;
    thirds[Math.min(2, Math.floor(middleRank * 3))]?.push(...losses);
    seen += losses.length;
  }
  return thirds.filter((losses) => losses.length > 0 && Number.isFinite(mean(losses)));
}
