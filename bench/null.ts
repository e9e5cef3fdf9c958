import type { EventRecord } from '../src/store/store.ts';
import type { Proposer } from '../src/proposer/proposer.ts';
import { benchCampaign, runBench } from './campaign.ts';
import { bonferroniRule, runFixedRule, uncontrolledRule, type FixedRule, type Planted } from './fixed-rule.ts';
import type { Measurement } from './measurement.ts';
import { scriptedProposer } from './scripted-proposer.ts';

/** Standard deviation of one trial of the null tasks; python/assay_judge/planted_noise.py has the same. */
const SIGMA = 0.01;
/** True gains of the planted twin, in sigma, and the share of proposals that have them. */
const PLANTED: Planted = [
  { gain: 0.5, share: 0.05 },
  { gain: 1, share: 0.05 },
  { gain: 2, share: 0.05 },
];

/** Every change is a no-op: whatever is kept is a false keep. Greedy is applied to the very same screening trials; the fixed rules run live. */
export async function measureNull(experiments: number): Promise<readonly Measurement[]> {
  await using campaign = await benchCampaign('tasks/null', experiments);
  const { records, state } = await runBench(campaign, { proposer: planter(() => 0), slots: 2 });
  const greedy = greedyKeeps(records);
  const { trials, guards } = countTrials(records);
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
    ...(await fixedOnNull('tasks/null', trials, experiments)),
    { name: "greedy's claimed gain, all of it luck", value: greedy.claimed / SIGMA, unit: 'sigma' },
    { name: 'trials for each experiment', value: trials / experiments, unit: 'trials', n: trials },
    { name: 'trials of guards beside them', value: guards, unit: 'trials' },
    {
      name: 'near misses and inconclusive',
      value: state.verdictCounts['near-miss'] + state.verdictCounts.inconclusive,
      unit: 'experiments',
    },
    { name: 'tests that the screen let through', value: state.tests.count, unit: 'tests' },
  ];
}

async function fixedOnNull(task: string, trials: number, experiments: number): Promise<readonly Measurement[]> {
  const measurements: Measurement[] = [];
  for (const { name, rule } of fixedRules(trials, experiments)) {
    const { candidates, trials: used } = await runFixedRule(task, rule, () => 0);
    const kept = candidates.filter(({ isKept }) => isKept).length;
    measurements.push({
      name: `null task, ${name}: false keeps`,
      value: kept,
      unit: 'keeps',
      spread: `${used} trials`,
      n: candidates.length,
    });
  }
  return measurements;
}

function fixedRules(trials: number, experiments: number): readonly { name: string; rule: FixedRule }[] {
  const plain = uncontrolledRule(trials, experiments);
  const strict = bonferroniRule(trials, PLANTED);
  const words = ({ pairs, level }: FixedRule): string => `${pairs} pairs, p < ${Number(level.toPrecision(2))}`;
  return [
    { name: `fixed rule without control (${words(plain)})`, rule: plain },
    { name: `fixed rule at the same error rate (${words(strict)}, best number of pairs in hindsight)`, rule: strict },
  ];
}

/** The twin with planted gains: power by the size of the gain, false keeps among the no-ops, and trials for each true keep. */
export async function measurePower(experiments: number): Promise<readonly Measurement[]> {
  await using campaign = await benchCampaign('tasks/null-planted', experiments);
  const { records } = await runBench(campaign, { proposer: planter(drawPlanted), slots: 2 });
  const planted = new Map<string, number>();
  const kept = new Set<string>();
  for (const { event } of records) {
    if (event.type === 'experiment.proposed') {
      const gain = /of (\S+) sigma/.exec(event.proposal.hypothesis.statement)?.[1];
      if (gain !== undefined) planted.set(event.experiment, Number(gain));
    }
    if (event.type === 'experiment.concluded' && event.verdict.kind === 'keep') kept.add(event.experiment);
  }
  const { trials } = countTrials(records);
  const greedy = greedyKeeps(records);
  const greedyKept = new Set(greedy.kept);
  const ours = [...planted].map(([id, gain]) => ({ gain, isKept: kept.has(id) }));
  const theirs = [...planted].map(([id, gain]) => ({ gain, isKept: greedyKept.has(id) }));
  const measurements = [
    ...powerRows('Assay', ours, trials),
    ...powerRows('the greedy rule on the same screening trials', theirs, experiments),
  ];
  for (const { name, rule } of fixedRules(trials, experiments)) {
    const outcome = await runFixedRule('tasks/null-planted', rule, drawPlanted);
    measurements.push(...powerRows(name, outcome.candidates, outcome.trials));
  }
  return measurements;
}

function drawPlanted(uniform: number): number {
  let left = uniform;
  for (const { gain, share } of PLANTED) {
    if (left < share) return gain;
    left -= share;
  }
  return 0;
}

/** What a rule kept of each size of gain, and what a true keep cost. */
function powerRows(
  rule: string,
  candidates: readonly { readonly gain: number; readonly isKept: boolean }[],
  trials: number,
): readonly Measurement[] {
  const rows = [0, ...PLANTED.map(({ gain }) => gain)].map((gain): Measurement => {
    const of = candidates.filter((candidate) => candidate.gain === gain);
    const hits = of.filter(({ isKept }) => isKept).length;
    const what = gain === 0 ? 'kept of no-ops (false keeps)' : `kept of gains of ${gain} sigma (power)`;
    return {
      name: `planted task, ${rule}: ${what}`,
      value: (100 * hits) / Math.max(1, of.length),
      unit: '%',
      spread: `${hits} of ${of.length}`,
      n: of.length,
    };
  });
  const trueKeeps = candidates.filter(({ gain, isKept }) => isKept && gain > 0);
  const brought = trueKeeps.reduce((sum, { gain }) => sum + gain, 0);
  return [
    ...rows,
    {
      name: `planted task, ${rule}: trials for each true keep`,
      value: trials / Math.max(1, trueKeeps.length),
      unit: 'trials',
      spread: `${trials} trials, ${trueKeeps.length} true keeps of ${brought} sigma together`,
      n: candidates.length,
    },
  ];
}

/** Trials of experiments, and of the guards of batches. Trials of the starting point and of the final comparison are among the first. */
function countTrials(records: readonly EventRecord[]): { trials: number; guards: number } {
  const guards = new Set<string>();
  let [trials, guarding] = [0, 0];
  for (const { event } of records) {
    if (event.type === 'experiment.proposed' && event.proposal.operator === 'guard') guards.add(event.experiment);
    if (event.type !== 'trial.finished') continue;
    if (guards.has(event.experiment)) guarding += 1;
    else trials += 1;
  }
  return { trials, guards: guarding };
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
export function greedyKeeps(records: readonly EventRecord[]): {
  keeps: number;
  claimed: number;
  kept: readonly string[];
} {
  const screens = new Set<string>();
  const starts = new Set<string>();
  let best: number | undefined;
  let first: number | undefined;
  const kept: string[] = [];
  for (const { event } of records) {
    if (event.type === 'trial.planned' && event.plan.stage === 'screen' && event.plan.arm === 'candidate')
      screens.add(event.plan.trial);
    if (event.type === 'trial.planned' && event.plan.stage === 'baseline') starts.add(event.plan.trial);
    if (event.type !== 'trial.finished' || event.outcome.status !== 'succeeded') continue;
    const { value } = event.outcome.result;
    if (first === undefined && starts.has(event.trial)) {
      first = value;
      best = value;
    } else if (screens.has(event.trial) && best !== undefined && value < best) {
      best = value;
      kept.push(event.experiment);
    }
  }
  return { keeps: kept.length, claimed: (first ?? 0) - (best ?? 0), kept };
}
