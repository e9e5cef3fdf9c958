import { expect, test } from 'vitest';
import type { AuditReport } from '../../domain/audit.ts';
import { experimentId, trialId } from '../../domain/ids.ts';
import type { Trial } from '../../domain/state.ts';
import { smallCampaign } from '../../report/demo-campaign.fixture.ts';
import { inMemoryStore } from '../../store/memory/memory-store.ts';
import type { CleanRoom } from '../reproduce/clean-room.ts';
import { subjectOf } from '../reproduce/subject.ts';
import { auditAgain, freshStages, type AuditedAgain, type Auditors } from './audit-again.ts';
import { readLogged } from './logged-trials.ts';

const E1 = experimentId(1);

async function again(auditors: Partial<Auditors>): Promise<{ found: AuditedAgain; trials: readonly Trial[] }> {
  const { state, events } = await smallCampaign();
  const store = inMemoryStore();
  await store.append(events);
  const logged = await readLogged(store, E1);
  const found = await auditAgain(
    {
      state,
      // Numbers are looked at without a run.
      room: {} as CleanRoom,
      subject: subjectOf(state, E1),
      logged,
      stale: { change: [], trials: [], numbers: ['plausible'] },
      signal: new AbortController().signal,
    },
    auditors,
  );
  return { found, trials: logged.trials };
}

const report = (finding: AuditReport['finding']): AuditReport => ({
  audit: 'plausible',
  version: 2,
  finding,
  detail: 'numbers',
});

test('numbers are looked at in all trials that the log has of the experiment, as they were', async () => {
  let seen: readonly Trial[] = [];
  const { found, trials } = await again({
    auditNumbers: (input) => {
      seen = input.trials;
      expect(input.verdict.kind).toBe('keep');
      expect(input.experiment.id).toBe('e1');
      return [report('passed')];
    },
  });
  expect(seen).toEqual(trials);
  expect(trials.length).toBeGreaterThan(12);
  expect(trials.every(({ outcome }) => outcome?.status === 'succeeded')).toBe(true);
  expect(found).toMatchObject({ reports: [report('passed')], fired: [], trials: [] });
  expect(found.numbersMs).toBeGreaterThanOrEqual(0);
  for (const key of ['problem', 'changeMs', 'trialSeconds']) expect(found).not.toHaveProperty(key);
});

test('numbers that give it away make it fall, if the audit is one that decides', async () => {
  const auditNumbers = (): readonly AuditReport[] => [report('fired')];
  expect((await again({ auditNumbers, decides: () => true })).found.fired).toEqual([report('fired')]);
  expect((await again({ auditNumbers, decides: () => false })).found.fired).toEqual([]);
});

test('numbers at which nobody looked are said', async () => {
  expect((await again({ auditNumbers: () => [] })).found.problem).toBe('silent: plausible');
});

test('a trial that is not over is none of the logged ones', async () => {
  const { events } = await smallCampaign({ unfinished: true });
  const store = inMemoryStore();
  await store.append(events);
  const last = experimentId(6);
  const { trials } = await readLogged(store, last);
  expect(trials.map(({ plan }) => plan.trial)).not.toContain(trialId(0));
  expect(trials.every(({ state }) => state === 'ended')).toBe(true);
});

test('where screens run other phases, a whole trial of the search is looked at too', () => {
  const task = (...stages: readonly (readonly string[])[]): Parameters<typeof freshStages>[0] =>
    ({ phases: stages.map((each) => ({ stages: each })) }) as unknown as Parameters<typeof freshStages>[0];
  expect(freshStages(task(['baseline', 'screen', 'replicate'], ['confirm', 'final']))).toEqual(['screen', 'confirm']);
  const apart = task(['screen'], ['baseline', 'replicate', 'confirm', 'final']);
  expect(freshStages(apart)).toEqual(['screen', 'replicate', 'confirm']);
});
