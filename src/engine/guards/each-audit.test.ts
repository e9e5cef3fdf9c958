import { describe, expect, test } from 'vitest';
import { CATALOGUE, decides, idsThatRun } from '../../audit/catalogue/catalogue.ts';
import type { AssayEvent } from '../../domain/events.ts';
import { guardedCampaign, type GuardedCampaignOptions, type Sabotage } from './guarded-campaign.fixture.ts';

/** Why batches were void, and what was kept and still stood, when one audit is broken on purpose. */
async function brokenBy(sabotage: Sabotage, options: Partial<GuardedCampaignOptions>): Promise<readonly string[]> {
  await using guarded = await guardedCampaign({
    audits: [],
    gains: [2],
    experiments: 4,
    batchSize: 4,
    ...options,
    sabotage,
  });
  await guarded.campaign.run().catch(() => {});
  const events: readonly AssayEvent[] = (await guarded.campaign.records()).map(({ event }) => event);
  const retracted = new Set(events.flatMap((event) => (event.type === 'verdict.retracted' ? [event.experiment] : [])));
  const standing = events.filter(
    (event) =>
      event.type === 'experiment.concluded' &&
      event.verdict.kind === 'keep' &&
      event.experiment !== 'e0' &&
      event.verdict.evidence.eValue !== undefined &&
      !retracted.has(event.experiment),
  );
  expect(standing).toEqual([]);
  return events.flatMap((event) => (event.type === 'batch.voided' ? [event.reason] : []));
}

const TRIAL = [...idsThatRun('trial'), ...idsThatRun('judge')];

describe('an audit that is broken on purpose makes the batch void', () => {
  test.each(TRIAL)('%s, silent', async (audit) => {
    const reasons = await brokenBy({ audit, how: 'silent' }, { audits: [audit] });
    expect(reasons[0]).toContain(`silent guards: ${audit}`);
  });

  test.each(TRIAL.filter(decides))('%s, blind', async (audit) => {
    const reasons = await brokenBy({ audit, how: 'blind' }, { audits: [audit] });
    expect(reasons[0]).toContain(`cheat-${audit}: ${audit} had to fire and nothing did`);
  });

  test.each(TRIAL.filter(decides))('%s, firing at everything', async (audit) => {
    const reasons = await brokenBy({ audit, how: 'paranoid' }, { audits: [audit] });
    expect(reasons[0]).toContain(`an honest control was refused by ${audit}`);
  });

  test.each(idsThatRun('change'))('%s, silent', async (audit) => {
    const reasons = await brokenBy({ audit, how: 'silent' }, { changeAudits: [audit] });
    expect(reasons[0]).toMatch(new RegExp(`silent guards: ${audit}|${audit} had to fire`));
  });

  test.each(idsThatRun('change'))('%s, blind', async (audit) => {
    const reasons = await brokenBy({ audit, how: 'blind' }, { changeAudits: [audit] });
    expect(reasons[0]).toContain(`${audit} had to fire and nothing did`);
  });

  test.each(idsThatRun('experiment'))('%s, silent', async (audit) => {
    const reasons = await brokenBy({ audit, how: 'silent' }, { numberAudits: [audit] });
    expect(reasons[0]).toContain(`silent guards: ${audit}`);
  });

  test.each(idsThatRun('batch'))('%s, silent', async (audit) => {
    const reasons = await brokenBy({ audit, how: 'silent' }, { integrityAudits: [audit] });
    expect(reasons[0]).toContain(`silent guards: ${audit}`);
  });

  test.each(idsThatRun('batch'))('%s, fired', async (audit) => {
    const reasons = await brokenBy({ audit, how: 'paranoid' }, { integrityAudits: [audit] });
    expect(reasons[0]).toContain(`${audit}: it cheats`);
  });

  test('every audit of the catalogue is broken above', () => {
    const broken = (['trial', 'judge', 'change', 'experiment', 'batch'] as const).flatMap(idsThatRun);
    expect(new Set(broken)).toEqual(new Set(CATALOGUE.keys()));
  });

  test('with every audit whole, no batch is void and what is better is kept', async () => {
    await using guarded = await guardedCampaign({
      audits: TRIAL,
      changeAudits: idsThatRun('change'),
      numberAudits: idsThatRun('experiment'),
      integrityAudits: idsThatRun('batch'),
      gains: [2],
      experiments: 4,
      batchSize: 4,
    });
    const { state } = await guarded.campaign.run();
    expect(state.guards.voidedBatches).toBe(0);
    expect(state.verdictCounts.keep).toBeGreaterThan(0);
  });
});
