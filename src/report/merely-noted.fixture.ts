import type { EventRecord } from '../store/store.ts';

/**
 * The same log, in which the audits that looked at a canary only pointed at it: its trials gave a value, and nothing stopped it.
 *
 * @param id of the canary.
 */
export function merelyNoted(records: readonly EventRecord[], id: string, value: number): readonly EventRecord[] {
  const guards = records.flatMap(({ event }) => (event.type === 'batch.opened' ? event.guards : []));
  const own = new Set(guards.filter((guard) => guard.id === id).map(({ experiment }) => experiment));
  return records.map((record): EventRecord => {
    const { event } = record;
    if (event.type !== 'trial.finished' || !own.has(event.experiment)) return record;
    const { facts } = event.outcome;
    const outcome = { status: 'succeeded', result: { value, metrics: {}, checks: [] }, facts } as const;
    return { ...record, event: { ...event, outcome } };
  });
}
