import { BASELINE_EXPERIMENT } from '../../domain/ids.ts';
import { measuresNoise } from '../../domain/state.ts';
import { ablateStep } from './ablate.ts';
import { baselineStep, finalStep } from './baseline.ts';
import { confirmStep } from './confirm.ts';
import { replicateStep } from './replicate.ts';
import type { GateRules } from './rules.ts';
import { screenStep } from './screen.ts';
import { WAIT, type GateInput, type GateStep } from './step.ts';

/**
 * What one open experiment needs next. Pure: the same state gives the same step, so a restarted engine goes on where the old one
 * stopped.
 */
export function nextStep(input: GateInput, rules: GateRules): GateStep {
  const { experiment } = input;
  if (experiment.verdict || !experiment.candidate) return WAIT;
  if (experiment.id === BASELINE_EXPERIMENT || measuresNoise(experiment)) return baselineStep(input, rules);
  if (experiment.proposal.operator === 'baseline') return finalStep(input, rules);
  if (experiment.proposal.operator === 'ablate') return ablateStep(input, rules);
  if (!experiment.test) return screenStep(input, rules);
  if (!experiment.replicated) return replicateStep(input, rules);
  return confirmStep(input, rules);
}
