import { bestGainEstimate } from '../../domain/reduce.ts';
import { experimentOf, type CampaignState, type Experiment } from '../../domain/state.ts';
import type { KnobObservation, KnobSpace, KnobValue, KnobValues } from '../../search/knob-space.ts';
import { proposeKnobs } from '../../search/propose-knobs.ts';
import { expectedImportance } from './knob-importance.ts';
import { latest, predictFromHistory, type SearchOperator } from './operator.ts';

/** Numbers: a few knobs of the champion moved, chosen by a local model and TPE over all that was tuned before. */
export const tune: SearchOperator = {
  operator: 'tune',
  draft: async ({ state, champion, space, random }) => {
    const knobs = await space.knobs(champion.candidate);
    if (knobs.length === 0) return undefined;
    const incumbent = Object.fromEntries(knobs.map((knob) => [knob.name, knob.current]));
    const noiseSd = state.noise?.sigmaUsed;
    const values = proposeKnobs({
      space: knobs,
      incumbent,
      history: tuningHistory(state, knobs, incumbent),
      random,
      importance: expectedImportance(knobs),
      ...(noiseSd === undefined || noiseSd <= 0 ? {} : { noiseSd }),
    });
    if (!values) return undefined;
    const moves = Object.entries(values).map(
      ([name, value]) => `${name} from ${showValue(incumbent[name])} to ${showValue(value)}`,
    );
    return {
      parent: champion.id,
      hypothesis: {
        kind: 'hyper-parameter',
        statement: `${moves.join(' and ')} improves ${state.task.metric}`,
        rationale: 'chosen by a local model of the knobs tuned so far, and by TPE once there is enough to learn from',
        predictedGain: predictFromHistory(state, 'tune'),
      },
      change: { type: 'knobs', values },
    };
  },
};

/**
 * What tuning has shown, as points of the knobs with a loss. Losses are made comparable across champions: only tuning steps count
 * towards them, so what a pattern gained is not credited to the numbers that stood beside it.
 */
export function tuningHistory(state: CampaignState, knobs: KnobSpace, incumbent: KnobValues): KnobObservation[] {
  const names = new Set(knobs.map((knob) => knob.name));
  const levels = new Map<string, number>();
  const tuned = latest(state, ({ proposal }) => proposal.change.type === 'knobs').toReversed();
  return tuned.flatMap((experiment): KnobObservation[] => {
    const { proposal, verdict } = experiment;
    if (proposal.change.type !== 'knobs') return [];
    const values = Object.fromEntries(
      Object.entries({ ...knobsAbove(state, experiment, incumbent), ...proposal.change.values }).filter(([name]) =>
        names.has(name),
      ),
    );
    if (verdict?.kind === 'failed') return [{ values, loss: undefined }];
    const gain = verdict && bestGainEstimate(verdict);
    // Under way: counts as tried, with no loss to learn from yet. A neutral loss keeps two threads from the same point.
    return [{ values, loss: levelOf(state, experiment, levels) - (gain ?? 0) }];
  });
}

/** Knob values of an experiment's parent, as far as tuning steps of its lineage set them; the rest is at the incumbent's. */
function knobsAbove(state: CampaignState, experiment: Experiment, incumbent: KnobValues): KnobValues {
  const values: Record<string, KnobValue> = {};
  const settled = new Set<string>();
  // Steps between this parent and the present champion are undone in thought: the champion's value may be younger than the parent.
  for (const step of tuningSteps(state, experiment)) {
    for (const [name, value] of Object.entries(step)) {
      if (settled.has(name)) continue;
      settled.add(name);
      values[name] = value;
    }
  }
  return { ...incumbent, ...values };
}

/** The `knobs` changes above an experiment, nearest first. */
function tuningSteps(state: CampaignState, experiment: Experiment): KnobValues[] {
  const steps: KnobValues[] = [];
  for (let at: Experiment = experiment, depth = 0; depth < 64; depth += 1) {
    if (at.proposal.parent === at.id) break;
    at = experimentOf(state, at.proposal.parent);
    if (at.proposal.change.type === 'knobs') steps.push(at.proposal.change.values);
  }
  return steps;
}

/** Loss of an experiment's parent relative to the start, counting tuning steps only. */
function levelOf(state: CampaignState, experiment: Experiment, levels: Map<string, number>): number {
  const known = levels.get(experiment.proposal.parent);
  if (known !== undefined) return known;
  let level = 0;
  for (let at = experiment, depth = 0; depth < 64; depth += 1) {
    if (at.proposal.parent === at.id) break;
    at = experimentOf(state, at.proposal.parent);
    if (at.proposal.change.type === 'knobs' && at.verdict) level -= bestGainEstimate(at.verdict) ?? 0;
  }
  levels.set(experiment.proposal.parent, level);
  return level;
}

function showValue(value: KnobValue | undefined): string {
  return typeof value === 'number' ? String(Number(value.toPrecision(4))) : JSON.stringify(value);
}
