import type { EventRecord } from '../src/store/store.ts';
import type { Proposer } from '../src/proposer/proposer.ts';
import { benchCampaign, runBench } from './campaign.ts';
import type { Measurement } from './measurement.ts';
import { scriptedProposer } from './scripted-proposer.ts';

/** Standard deviation of one trial of the null tasks; python/assay_judge/planted_noise.py has the same. */
const SIGMA = 0.01;
/** True gains of the planted twin, in sigma, and the share of proposals that have them. */
const PLANTED: readonly { readonly gain: number; readonly share: number }[] = [
  { gain: 0.5, share: 0.05 },
  { gain: 1, share: 0.05 },
  { gain: 2, share: 0.05 },
];

/** Every change is a no-op: whatever is kept is a false keep. The greedy rule is applied to the very same screening trials. */
export async function measureNull(experiments: number): Promise<readonly Measurement[]> {
  await using campaign = await benchCampaign('tasks/null', experiments);
  const { records, state } = await runBench(campaign, { proposer: planter(() => 0), slots: 2 });
  const greedy = greedyKeeps(records);
  const trials = records.filter(({ event }) => event.type === 'trial.finished').length;
  return [
    {
      name: `null task, ${experiments} no-op experiments: false keeps of Assay`,
      value: state.verdictCounts.keep,
      unit: 'keeps',
      target: 'expected at most 0.05',
      n: experiments,
    },
    {
      name: 'false keeps of the greedy rule on the same screening trials',
      value: greedy.keeps,
      unit: 'keeps',
      n: experiments,
    },
    { name: "greedy's claimed gain, all of it luck", value: greedy.claimed / SIGMA, unit: 'sigma' },
    { name: 'trials for each experiment', value: trials / experiments, unit: 'trials', n: trials },
    {
      name: 'near misses and inconclusive',
      value: state.verdictCounts['near-miss'] + state.verdictCounts.inconclusive,
      unit: 'experiments',
    },
    { name: 'tests that the screen let through', value: state.tests.count, unit: 'tests' },
  ];
}

/** The twin with planted gains: power by the size of the gain, and false keeps among the no-ops, beside the greedy rule. */
export async function measurePower(experiments: number): Promise<readonly Measurement[]> {
  await using campaign = await benchCampaign('tasks/null-planted', experiments);
  const drawGain = (uniform: number): number => {
    let left = uniform;
    for (const { gain, share } of PLANTED) {
      if (left < share) return gain;
      left -= share;
    }
    return 0;
  };
  const { records } = await runBench(campaign, { proposer: planter(drawGain), slots: 2 });
  const planted = new Map<string, number>();
  const kept = new Set<string>();
  for (const { event } of records) {
    if (event.type === 'experiment.proposed')
      planted.set(event.experiment, Number(/of (\S+) sigma/.exec(event.proposal.hypothesis.statement)?.[1] ?? 'NaN'));
    if (event.type === 'experiment.concluded' && event.verdict.kind === 'keep') kept.add(event.experiment);
  }
  const rows = [0, ...PLANTED.map(({ gain }) => gain)].map((gain): Measurement => {
    const of = [...planted].filter(([, value]) => value === gain).map(([id]) => id);
    const hits = of.filter((id) => kept.has(id)).length;
    const name =
      gain === 0
        ? 'planted task: kept of no-ops (false keeps)'
        : `planted task: kept of gains of ${gain} sigma (power)`;
    return {
      name,
      value: (100 * hits) / Math.max(1, of.length),
      unit: '%',
      spread: `${hits} of ${of.length}`,
      n: of.length,
    };
  });
  const greedy = greedyKeeps(records);
  const trueGreedy = greedy.kept.filter((id) => (planted.get(id) ?? 0) > 0).length;
  return [
    ...rows,
    {
      name: 'the greedy rule on the same screening trials: keeps',
      value: greedy.keeps,
      unit: 'keeps',
      spread: `${trueGreedy} of them had a true gain over their parent`,
      n: experiments,
    },
  ];
}

/** Adds a planted gain (0: a no-op) to the champion's file. */
function planter(drawGain: (uniform: number) => number): Proposer {
  return scriptedProposer({
    file: 'candidate.py',
    write: ({ state, random, nonce }) => {
      const gain = drawGain(random.uniform());
      const total = plantedSoFar(state) + gain;
      return { content: `"""${nonce}"""\n\nPLANTED_TOTAL = ${total}\n`, statement: `a planted gain of ${gain} sigma` };
    },
  });
}

/** True gain of the champion in sigma: the sum over its lineage. */
function plantedSoFar(state: Parameters<Parameters<typeof scriptedProposer>[0]['write']>[0]['state']): number {
  let total = 0;
  for (let at = state.experiments.get(state.champion); at;) {
    total += Number(/of (\S+) sigma/.exec(at.proposal.hypothesis.statement)?.[1] ?? 0);
    at = at.proposal.parent === at.id ? undefined : state.experiments.get(at.proposal.parent);
  }
  return total;
}

/** "Keep if the single run is better than the best so far", over the candidates' screening trials in the order in which they ended. */
function greedyKeeps(records: readonly EventRecord[]): { keeps: number; claimed: number; kept: readonly string[] } {
  const screens = new Set<string>();
  let best: number | undefined;
  let first: number | undefined;
  const kept: string[] = [];
  for (const { event } of records) {
    if (event.type === 'trial.planned' && event.plan.stage === 'screen' && event.plan.arm === 'candidate')
      screens.add(event.plan.trial);
    if (event.type !== 'trial.finished' || event.outcome.status !== 'succeeded') continue;
    const { value } = event.outcome.result;
    if (first === undefined) {
      first = value;
      best = value;
    } else if (screens.has(event.trial) && best !== undefined && value < best) {
      best = value;
      kept.push(event.experiment);
    }
  }
  return { keeps: kept.length, claimed: (first ?? 0) - (best ?? 0), kept };
}
