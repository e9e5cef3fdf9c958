import { describe, expect, test } from 'vitest';
import { isMeasurement } from '../../domain/hypothesis.ts';
import type { CampaignState } from '../../domain/state.ts';
import type { EventRecord } from '../../store/store.ts';
import { guardedCampaign, type GuardedCampaignOptions } from './guarded-campaign.fixture.ts';

const AUDITS = ['causality', 'network'];

async function outcomeOf(options: Partial<GuardedCampaignOptions>): Promise<{
  state: CampaignState | undefined;
  error: string;
  records: readonly EventRecord[];
}> {
  await using guarded = await guardedCampaign({ audits: AUDITS, ...options });
  let state: CampaignState | undefined;
  let error = '';
  try {
    state = (await guarded.campaign.run()).state;
  } catch (thrown) {
    error = thrown instanceof Error ? thrown.message : String(thrown);
  }
  return { state, error, records: await guarded.campaign.records() };
}

function eventsOf<Type extends EventRecord['event']['type']>(records: readonly EventRecord[], type: Type) {
  return records.flatMap(({ event }) =>
    event.type === type ? [event as Extract<EventRecord['event'], { type: Type }>] : [],
  );
}

describe('guards', () => {
  test('every batch carries its canaries and its control, and what is kept stands', async () => {
    const { state, records } = await outcomeOf({ experiments: 18 });
    const opened = eventsOf(records, 'batch.opened');
    expect(opened.length).toBe(3);
    expect(opened.every(({ guards }) => guards.length === 3)).toBe(true);
    expect(eventsOf(records, 'guard.reported').every(({ ok }) => ok)).toBe(true);
    expect(eventsOf(records, 'batch.closed').length).toBe(3);
    expect(eventsOf(records, 'batch.voided')).toEqual([]);
    expect(state?.verdictCounts.keep).toBeGreaterThan(0);
    expect(state?.trialSecondsByStage.guard).toBeGreaterThan(0);
    // Guards use up no limit, spend no error budget and are no verdict of the search.
    expect(state?.verdictCounts['suspected-hack']).toBe(0);
    expect([...(state?.experiments.values() ?? [])].filter((one) => !isMeasurement(one.proposal.operator)).length).toBe(
      18,
    );
  });

  test('no keep is decided before the guards of its batch have reported', async () => {
    const { records } = await outcomeOf({ experiments: 18 });
    const reported = new Map<number, number>();
    const batchOf = new Map<string, number>();
    let current = 0;
    let keeps = 0;
    for (const { event } of records) {
      if (event.type === 'batch.opened') current = event.batch;
      if (event.type === 'experiment.proposed') batchOf.set(event.experiment, current);
      if (event.type === 'guard.reported') reported.set(event.batch, (reported.get(event.batch) ?? 0) + 1);
      if (event.type !== 'experiment.concluded' || event.verdict.kind !== 'keep' || event.experiment === 'e0') continue;
      if (batchOf.get(event.experiment) === undefined || event.experiment === records.at(-1)?.event.type) continue;
      keeps += 1;
      expect(reported.get(batchOf.get(event.experiment) ?? -1)).toBe(3);
    }
    expect(keeps).toBeGreaterThan(0);
  });

  test.each(AUDITS)('a silent %s makes the batch void, and the engine stops after the second', async (audit) => {
    const { error, records } = await outcomeOf({ sabotage: { audit, how: 'silent' } });
    const voided = eventsOf(records, 'batch.voided');
    expect(voided.map(({ batch }) => batch)).toEqual([1, 2]);
    expect(voided[0]?.reason).toContain(`silent guards: ${audit}`);
    expect(error).toContain('2 batches in a row are void');
    expect(eventsOf(records, 'champion.changed')).toEqual([]);
  });

  test.each(AUDITS)('a blind %s lets its canary through: void', async (audit) => {
    const { records } = await outcomeOf({ sabotage: { audit, how: 'blind' } });
    const [voided] = eventsOf(records, 'batch.voided');
    expect(voided?.reason).toContain(`cheat-${audit}`);
    expect(voided?.reason).toContain('nothing did');
  });

  test('an audit that fires at everything refuses the honest control: void', async () => {
    const { records } = await outcomeOf({ sabotage: { audit: 'network', how: 'paranoid' } });
    expect(eventsOf(records, 'batch.voided')[0]?.reason).toContain('honest');
  });

  test('a guard that falls silent in the middle takes back what the batch had kept, and flags what was built on it', async () => {
    const { records, state } = await outcomeOf({
      gains: [2],
      experiments: 12,
      batchSize: 12,
      sabotage: { audit: 'causality', how: 'silent', fromTrial: 60 },
    });
    const retracted = eventsOf(records, 'verdict.retracted');
    const kept = eventsOf(records, 'experiment.concluded').filter(
      ({ verdict, experiment }) => verdict.kind === 'keep' && experiment !== 'e0',
    );
    expect(kept.length).toBeGreaterThan(0);
    expect(retracted.map(({ experiment }) => experiment)).toEqual(
      expect.arrayContaining(kept.slice(0, 1).map(({ experiment }) => experiment)),
    );
    const last = eventsOf(records, 'champion.changed').at(-1);
    expect(last?.experiment).toBe('e0');
    expect(state?.champion ?? last?.experiment).toBe('e0');
  });

  test('files that change under a running campaign make the batch void', async () => {
    const { records } = await outcomeOf({
      experiments: 6,
      integrity: (call) => [
        {
          audit: 'environment',
          version: 1,
          finding: call > 1 ? 'fired' : 'passed',
          detail: 'torch/__init__.py changed',
        },
      ],
    });
    expect(eventsOf(records, 'batch.voided')[0]?.reason).toContain('torch/__init__.py');
  });

  test('an integrity check that says nothing is not one that found nothing', async () => {
    const { records } = await outcomeOf({ integrity: () => [] });
    expect(eventsOf(records, 'batch.voided')[0]?.reason).toContain('silent guards: environment');
  });

  test('killed after each single append, the next engine guards on where the last one stopped', async () => {
    for (let dieAfter = 1; ; dieAfter += 1) {
      await using guarded = await guardedCampaign({ audits: AUDITS, experiments: 4, batchSize: 2 });
      const died = await guarded.campaign.run({ dieAfter }).then(
        () => false,
        (error: unknown) => error instanceof Error && error.message === 'killed',
      );
      await guarded.campaign.run();
      const records = await guarded.campaign.records();
      const opened = eventsOf(records, 'batch.opened').map(({ batch }) => batch);
      expect(opened).toEqual([1, 2]);
      const reported = eventsOf(records, 'guard.reported');
      expect(reported.map(({ experiment }) => experiment).toSorted()).toEqual(
        eventsOf(records, 'batch.opened')
          .flatMap(({ guards }) => guards.map(({ experiment }) => experiment))
          .toSorted(),
      );
      expect(reported.every(({ ok }) => ok)).toBe(true);
      expect([...guarded.world.starts.values()].every((times) => times === 1)).toBe(true);
      if (!died) return;
    }
  });
});
