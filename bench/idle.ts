import type { EventRecord } from '../src/store/store.ts';
import { benchCampaign, runBench } from './campaign.ts';
import type { Measurement } from './measurement.ts';
import { scriptedProposer } from './scripted-proposer.ts';

/** Share of slot time that no trial ran in, with a proposer that takes two seconds and trials of one. */
export async function measureIdle(slotCounts: readonly number[]): Promise<readonly Measurement[]> {
  const measurements: Measurement[] = [];
  for (const slots of slotCounts) {
    await using campaign = await benchCampaign('bench/tasks/one-second', 16 * slots + 8);
    const proposer = scriptedProposer({
      file: 'candidate.txt',
      latencySeconds: 2,
      write: ({ nonce }) => ({ content: `${nonce}\n`, statement: `nothing, ${nonce}` }),
    });
    const { records } = await runBench(campaign, { proposer, slots });
    const { share, trials } = idleShare(records, slots);
    measurements.push({
      name: `slots idle, ${slots} slots, 2 s proposer, 1 s trials`,
      value: share * 100,
      unit: '%',
      n: trials,
      target: '< 2',
    });
  }
  return measurements;
}

/** Between the first screen that starts and the last proposal that is made: neither the start-up nor the end is counted. */
function idleShare(records: readonly EventRecord[], slots: number): { share: number; trials: number } {
  const noise = records.find(({ event }) => event.type === 'noise.measured')?.at ?? 0;
  const starts = new Map<string, number>();
  const runs: [number, number][] = [];
  for (const { at, event } of records) {
    if (event.type === 'trial.submitted') starts.set(event.trial, at);
    if (event.type === 'trial.finished') runs.push([starts.get(event.trial) ?? at, at]);
  }
  const screens = runs.filter(([start]) => start > noise);
  const from = Math.min(...screens.map(([start]) => start));
  const proposals = records.filter(({ event }) => event.type === 'experiment.proposed').map(({ at }) => at);
  const to = Math.max(...proposals);
  const busy = screens.reduce((sum, [start, end]) => sum + Math.max(0, Math.min(end, to) - Math.max(start, from)), 0);
  return { share: 1 - busy / (slots * (to - from)), trials: screens.length };
}
