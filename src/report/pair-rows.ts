import type { Direction } from '../domain/events.ts';
import { gain } from '../domain/state.ts';
import type { Stage } from '../domain/trial.ts';
import { withoutUndefined } from './results.ts';
import type { TrialRow } from './trials.ts';

/** Both sides of a comparison on one seed. A side that gave no value is absent; `note` says why. */
export interface PairRow {
  readonly stage: Stage;
  readonly pair: number;
  readonly seed: number;
  readonly candidate?: number;
  readonly reference?: number;
  /** Positive is better. */
  readonly gain?: number;
  readonly note?: string;
}

/** The trials of one experiment, by stage and pair, in the order in which they were planned. */
export function pairRows(trials: readonly TrialRow[], direction: Direction): readonly PairRow[] {
  const pairs = new Map<
    string,
    { stage: Stage; pair: number; seed: number; candidate?: number; reference?: number; notes: string[] }
  >();
  for (const row of trials.toSorted((a, b) => a.pair - b.pair)) {
    const key = `${row.stage}:${row.pair}`;
    const entry = pairs.get(key) ?? { stage: row.stage, pair: row.pair, seed: row.seed, notes: [] };
    pairs.set(key, entry);
    if (row.value === undefined) entry.notes.push(`${row.arm} ${row.failure ?? row.status}`);
    else entry[row.arm] = row.value;
  }
  return [...pairs.values()].map(({ notes, ...pair }) => {
    const { candidate, reference } = pair;
    const difference =
      candidate === undefined || reference === undefined ? undefined : gain(direction, candidate, reference);
    return withoutUndefined<PairRow>({
      ...pair,
      candidate,
      reference,
      gain: difference,
      note: notes.length > 0 ? notes.join(', ') : undefined,
    });
  });
}

/** Gains of the pairs of one stage that have both sides. */
export function stageGains(pairs: readonly PairRow[], stage: Stage): readonly number[] {
  return pairs.flatMap((pair) => (pair.stage === stage && pair.gain !== undefined ? [pair.gain] : []));
}
