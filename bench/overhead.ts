import { median, quantile } from '../src/stats/summary.ts';
import { benchCampaign, fillLog, runBench } from './campaign.ts';
import { scriptedProposer } from './scripted-proposer.ts';
import type { Measurement } from './measurement.ts';

const EXPERIMENTS = 80;

/**
 * Wall time of one experiment (propose, commit, run its trial in a sandbox, judge, decide, record) with one slot and an evaluator that
 * does nothing, by the size of the store. Warm: the engine runs; four experiments share one run of their reference, which is counted in.
 */
export async function measureOverhead(sizes: readonly number[]): Promise<readonly Measurement[]> {
  const measurements: Measurement[] = [];
  let empty: number | undefined;
  for (const size of sizes) {
    await using campaign = await benchCampaign('bench/tasks/trivial', size + EXPERIMENTS);
    if (size > 0) await fillLog(campaign.folder, size);
    const proposer = scriptedProposer({
      file: 'candidate.txt',
      write: ({ nonce }) => ({ content: `${nonce}\n`, statement: `nothing, ${nonce}` }),
    });
    const { records } = await runBench(campaign, { proposer, slots: 1 });
    const concluded = records
      .filter(({ event }) => event.type === 'experiment.concluded' && event.experiment !== 'e0')
      .map(({ at }) => at);
    // Over four experiments at a time, so that each block holds its one reference.
    const blocks = concluded
      .slice(8)
      .flatMap((at, index, all) => (index % 4 === 3 && index >= 4 ? [(at - (all[index - 4] ?? at)) / 4] : []));
    const typical = median(blocks);
    empty ??= typical;
    measurements.push(
      {
        name: `overhead of an experiment, warm, ${size} in the store`,
        value: typical,
        unit: 'ms',
        spread: `${quantile(blocks, 0.1).toFixed(1)} to ${quantile(blocks, 0.9).toFixed(1)} (10 to 90 %)`,
        n: blocks.length,
        ...(size === 0 ? { target: '< 15' } : {}),
      },
      ...(size === 0
        ? []
        : [{ name: `growth from 0 to ${size}`, value: typical / empty, unit: 'x', target: '< 1.3', n: blocks.length }]),
    );
  }
  return measurements;
}
