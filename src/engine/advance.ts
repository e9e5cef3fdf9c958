import type { AssayEvent } from '../domain/events.ts';
import { isMeasurement } from '../domain/hypothesis.ts';
import { BASELINE_EXPERIMENT } from '../domain/ids.ts';
import { experimentOf, measuresNoise, openTrials, type CampaignState, type Experiment } from '../domain/state.ts';
import type { Stage } from '../domain/trial.ts';
import type { Verdict } from '../domain/verdict.ts';
import { isSound } from '../domain/batch.ts';
import { nextStep } from './gate/gate.ts';
import type { GateRules } from './gate/rules.ts';
import { WAIT, type GateStep } from './gate/step.ts';
import { advanceGuard } from './guards/advance-guard.ts';
import { auditKeep, type KeepAudits } from './guards/keep-audits.ts';
import { planTrials } from './plan-trials.ts';
import { remeasureNoise } from './remeasure-noise.ts';
import { verdictEvents } from './verdict-events.ts';

/**
 * The events of the next step of one open experiment that can take one, or undefined when all of them wait for trials. One
 * experiment at a time: its events change what the next one sees (the champion, the error budget).
 */
export function advanceOne(
  state: CampaignState,
  rules: GateRules,
  seedOf: (stage: Stage, pair: number) => number,
  options: { readonly onlyVerdicts?: boolean; readonly keepAudits?: KeepAudits | undefined } = {},
): readonly AssayEvent[] | undefined {
  const remeasured = options.onlyVerdicts === true ? undefined : remeasureNoise(state);
  if (remeasured) return remeasured;
  for (const id of state.open) {
    const experiment = experimentOf(state, id);
    if (experiment.proposal.operator === 'guard') {
      const events = advanceGuard(state, experiment, seedOf);
      if (events) return events;
      continue;
    }
    const step = guarded(state, experiment, nextStep({ state, experiment }, rules));
    if (options.onlyVerdicts && step.kind !== 'conclude' && experiment.proposal.operator !== 'baseline') continue;
    switch (step.kind) {
      case 'wait':
        continue;
      case 'plan':
        return planTrials(state, experiment, step, seedOf);
      case 'pass': {
        const { test } = step;
        const numbers = test
          ? { testIndex: test.index, level: test.level, variance: test.variance, tau: test.tau }
          : {};
        return [{ type: 'stage.passed', experiment: id, stage: step.stage, reason: step.reason, ...numbers }];
      }
      case 'conclude': {
        const withdrawn = withdrawPlanned(state, experiment);
        if (withdrawn?.length === 0) continue;
        return withdrawn ?? concludeEvents(state, experiment, step.verdict, rules, options.keepAudits);
      }
      default:
        step satisfies never;
    }
  }
  return undefined;
}

/** A keep is looked at as a whole before it is one. */
function concludeEvents(
  state: CampaignState,
  experiment: Experiment,
  verdict: Verdict,
  rules: GateRules,
  keepAudits: KeepAudits | undefined,
): readonly AssayEvent[] {
  if (verdict.kind !== 'keep' || isMeasurement(experiment.proposal.operator) || !keepAudits)
    return verdictEvents(state, experiment, verdict, rules);
  const audited = auditKeep(state, experiment, verdict, keepAudits);
  return [...audited.events, ...verdictEvents(state, experiment, audited.verdict, rules)];
}

/** A keep waits until the guards of its batch have reported; in a void batch everything ends without a verdict. */
function guarded(state: CampaignState, experiment: Experiment, step: GateStep): GateStep {
  const batch = experiment.batch === undefined ? undefined : state.batches.get(experiment.batch);
  if (!batch) return step;
  if (batch.voided !== undefined) {
    const reasons = [
      `its batch ${batch.number} is void, so nothing that was measured in it counts: ${batch.voided}`,
    ] as const;
    const stage = stageReached(experiment);
    return { kind: 'conclude', verdict: { kind: 'inconclusive', stage, reasons, evidence: {} } };
  }
  return step.kind === 'conclude' && step.verdict.kind === 'keep' && !isSound(batch) ? WAIT : step;
}

function stageReached(experiment: Experiment): 'screen' | 'replicate' | 'confirm' {
  return !experiment.test ? 'screen' : experiment.replicated ? 'confirm' : 'replicate';
}

/**
 * Every run counts: what runs is waited for, what has not begun is withdrawn. A screening reference always runs, since other
 * experiments may share it.
 *
 * @returns undefined when nothing of the experiment is left to run; an empty list when there is only waiting.
 */
function withdrawPlanned(state: CampaignState, experiment: Experiment): readonly AssayEvent[] | undefined {
  const left = openTrials(state, experiment.id).filter((trial) => trial.state !== 'ended');
  if (left.length === 0) return undefined;
  return left
    .filter(({ state: at, plan }) => at === 'planned' && !(plan.stage === 'screen' && plan.arm === 'reference'))
    .map(({ plan }) => ({ type: 'trial.withdrawn', trial: plan.trial, experiment: experiment.id }));
}

/** When time is up: an experiment with nothing running is concluded with what it has. */
export function concludeForTime(state: CampaignState, reason: string): readonly AssayEvent[] {
  return [...state.open].flatMap((id) => {
    const experiment = experimentOf(state, id);
    if (experiment.proposal.operator === 'baseline' && !isDriftMeasurement(experiment)) return [];
    if (openTrials(state, id).some((trial) => trial.state === 'submitted')) return [];
    return [{ type: 'experiment.concluded' as const, experiment: id, verdict: unfinished(experiment, reason) }];
  });
}

/** The search can end without it; the starting point and the final comparison can't be left out. */
function isDriftMeasurement(experiment: Experiment): boolean {
  return measuresNoise(experiment) && experiment.id !== BASELINE_EXPERIMENT;
}

function unfinished(experiment: Experiment, reason: string): Verdict {
  const stage = stageReached(experiment);
  return { kind: 'inconclusive', stage, reasons: [`not decided: ${reason} came first, in ${stage}`], evidence: {} };
}
