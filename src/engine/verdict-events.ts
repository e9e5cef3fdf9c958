import type { AssayEvent } from '../domain/events.ts';
import { BASELINE_EXPERIMENT, type CandidateId } from '../domain/ids.ts';
import { valueOf } from '../domain/pairs.ts';
import {
  estimatedTotalGain,
  experimentOf,
  measuresNoise,
  openTrials,
  type CampaignState,
  type Experiment,
} from '../domain/state.ts';
import type { Verdict } from '../domain/verdict.ts';
import { mean, standardDeviation } from '../stats/summary.ts';
import { warmUpRuns } from './gate/baseline.ts';
import { cautiousSigma } from './gate/spread.ts';
import type { GateRules } from './gate/rules.ts';

/** Everything that follows from a verdict, in one atomic batch. */
export function verdictEvents(
  state: CampaignState,
  experiment: Experiment,
  verdict: Verdict,
  rules: GateRules,
): readonly AssayEvent[] {
  const concluded: AssayEvent = { type: 'experiment.concluded', experiment: experiment.id, verdict };
  if (experiment.id === BASELINE_EXPERIMENT || measuresNoise(experiment)) {
    return verdict.kind === 'keep' ? [noiseEvent(state, experiment, rules), concluded] : [concluded];
  }
  if (experiment.proposal.operator === 'baseline') return [concluded, finishedEvent(state, experiment, verdict)];
  if (verdict.kind !== 'keep' || !experiment.candidate) return [concluded];
  if (experiment.builtOn !== undefined) {
    const text = `${experiment.id} beat its reference, but both hold the change of ${experiment.builtOn}, which was retracted meanwhile`;
    return [concluded, { type: 'note.written', kind: 'warning', text, experiment: experiment.id }];
  }
  const champion = experimentOf(state, state.champion);
  const change = (reason: string): AssayEvent => ({
    type: 'champion.changed',
    experiment: experiment.id,
    candidate: experiment.candidate as CandidateId,
    reason,
  });
  if (experiment.reference === champion.candidate) {
    const words = verdict.evidence.claim === 'not-worse' ? 'takes the place of' : 'beat';
    return [concluded, change(`${experiment.id} ${words} ${champion.id}: ${verdict.reasons[0]}`)];
  }
  // It was measured against an older champion. By the estimates along both lines it may still be ahead.
  const ours = estimatedTotalGain(state, { ...experiment, verdict });
  const theirs = estimatedTotalGain(state, champion);
  if (ours > theirs) {
    return [
      concluded,
      change(
        `${experiment.id} is ahead of ${champion.id} by the gains along both lines (${ours.toPrecision(3)} and ${theirs.toPrecision(3)})`,
      ),
    ];
  }
  const text = `${experiment.id} beat its reference, but ${champion.id} is champion by now: a branch of its own, to be combined with it`;
  return [concluded, { type: 'note.written', kind: 'insight', text, experiment: experiment.id }];
}

function noiseEvent(state: CampaignState, experiment: Experiment, rules: GateRules): AssayEvent {
  const isStart = experiment.id === BASELINE_EXPERIMENT;
  const outcomes = openTrials(state, experiment.id)
    .slice(isStart ? warmUpRuns(state) : 0)
    .map((trial) => trial.outcome);
  const values = outcomes.flatMap((outcome) => valueOf(outcome) ?? []);
  const seconds = outcomes.flatMap((outcome) => outcome?.facts.wallSeconds ?? []);
  const sigma = values.length > 1 ? standardDeviation(values) : 0;
  const average = mean(values);
  const degrees = Math.max(1, values.length - 1);
  return {
    type: 'noise.measured',
    runs: values.length,
    mean: average,
    sigma,
    sigmaUsed: cautiousSigma({ sigma, degrees, mean: average, floor: rules.sigmaFloor }),
    trialSeconds: seconds.length > 0 ? mean(seconds) : 0,
    ...(isStart || !experiment.candidate ? {} : { occasion: 'drift', candidate: experiment.candidate }),
  };
}

function finishedEvent(state: CampaignState, experiment: Experiment, verdict: Verdict): AssayEvent {
  const arm = (which: 'candidate' | 'reference'): number[] =>
    openTrials(state, experiment.id).flatMap((trial) =>
      trial.plan.arm === which ? (valueOf(trial.outcome) ?? []) : [],
    );
  const { confirmMeanGain, confirmInterval, confirmP, confirmPairs } = verdict.evidence;
  // What ended the search is said where the comparison was asked for.
  const reason = experiment.proposal.hypothesis.rationale.split(';', 1)[0] ?? '';
  if (confirmMeanGain === undefined || !confirmInterval || confirmP === undefined || confirmPairs === undefined) {
    return { type: 'campaign.finished', reason: `${reason}; ${verdict.reasons[0]}` };
  }
  return {
    type: 'campaign.finished',
    reason,
    comparison: {
      champion: state.champion,
      pairs: confirmPairs,
      baselineMean: mean(arm('reference')),
      championMean: mean(arm('candidate')),
      gain: confirmMeanGain,
      interval: confirmInterval,
      p: confirmP,
    },
  };
}
