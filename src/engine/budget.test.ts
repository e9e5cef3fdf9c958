import { expect, test } from 'vitest';
import { HandMadeCampaign } from '../domain/hand-made-campaign.fixture.ts';
import { activeMs, allowance } from './budget.ts';
import { DEFAULT_GATE_RULES, type GateRules } from './gate/rules.ts';

const RULES: GateRules = { ...DEFAULT_GATE_RULES, direction: 'minimize', finalPairs: 6 };
const MINUTE = 60_000;

test('without limits a campaign may go on for ever', () => {
  const { state } = new HandMadeCampaign();
  expect(allowance(state, RULES, 1e12)).toEqual({ proposals: Infinity, timeUp: false });
});

test('measuring the starting point and the champion uses up no experiment, everything else does', () => {
  const campaign = new HandMadeCampaign({ limits: { experiments: 3 } });
  expect(allowance(campaign.state, RULES, 0).proposals).toBe(3);
  campaign.conclude(campaign.propose(), 'failed');
  campaign.propose({ operator: 'replicate', parent: campaign.propose() });
  expect(allowance(campaign.state, RULES, 0)).toEqual({
    proposals: 0,
    timeUp: false,
    reason: 'the limit of 3 experiments',
  });
  campaign.propose({ operator: 'baseline' });
  campaign.write({ type: 'campaign.extended', limits: { experiments: 5 } });
  expect(allowance(campaign.state, RULES, 0).proposals).toBe(2);
});

test('time is up early enough for the final comparison', () => {
  const { state } = new HandMadeCampaign({ limits: { minutes: 10 }, slots: 2, noise: { trialSeconds: 30 } });
  const started = state.engine?.startedAt ?? 0;
  // Twelve trials on two slots and one more round to let what runs end: seven rounds of half a minute.
  expect(allowance(state, RULES, started + 6.4 * MINUTE).timeUp).toBe(false);
  expect(allowance(state, RULES, started + 6.5 * MINUTE)).toEqual({
    proposals: 0,
    timeUp: true,
    reason: 'the time limit of 10 minutes',
  });
});

test('only time in which an engine ran counts, a killed engine up to its last word', () => {
  const campaign = new HandMadeCampaign();
  const { state } = campaign;
  const first = state.engine?.startedAt ?? 0;
  campaign.write({ type: 'note.written', kind: 'insight', text: 'still here' });
  const lastWord = state.lastEventAt;
  const engine = { pid: 2, host: 'here', slots: 1, sandbox: 'process', device: 'none', assayVersion: '0' } as const;
  campaign.write({ type: 'engine.started', ...engine });
  const second = state.engine?.startedAt ?? 0;
  expect(activeMs(state, second + 500)).toBe(lastWord - first + 500);
  campaign.write({ type: 'engine.stopped', reason: 'asked' });
  expect(activeMs(state, 1e9)).toBe(lastWord - first + (state.lastEventAt - second));
});

test('a clock that went back does not give time back', () => {
  const { state } = new HandMadeCampaign();
  expect(activeMs(state, -1e9)).toBe(0);
});
