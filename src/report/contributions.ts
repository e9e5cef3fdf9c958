import { heldChanges, lastAblation } from '../domain/champion-changes.ts';
import type { Interval, Operator } from '../domain/hypothesis.ts';
import type { ExperimentId } from '../domain/ids.ts';
import { experimentOf, lineage, type CampaignState } from '../domain/state.ts';
import { withoutUndefined } from './results.ts';

/** One change on the way to the champion: what it brought when it came in, and what it carries now. Gains: positive is better. */
export interface Contribution {
  /** The experiment that brought it in. */
  readonly experiment: ExperimentId;
  readonly statement: string;
  readonly operator: Operator;
  /** The gain to quote when it came in: confirmed, and shrunk for selection. */
  readonly gain?: number;
  /** 95 % interval of the confirmed gain. */
  readonly interval?: Interval;
  /** What it carries by the last ablation that came to numbers. */
  readonly carries?: { readonly gain: number; readonly interval: Interval; readonly ablation: ExperimentId };
  /** Whether the champion was the same then: another company may make a change needless, or more worth. */
  readonly isPresentCompany?: boolean;
  readonly linesAdded?: number;
  readonly linesRemoved?: number;
  /** Of what it carries, or brought if nothing has looked at it since. Undefined for a change that adds no line on balance. */
  readonly gainPerLine?: number;
  /** `held`, or `removed`: taken out again, since it carried nothing. `under test`: an ablation is under way. */
  readonly standing: 'held' | 'removed' | 'under test';
}

/** Every change on the way to the champion, oldest first, those that were taken out again included. */
export function contributions(state: CampaignState): readonly Contribution[] {
  const held = heldChanges(state);
  const removals = lineage(state, state.champion).flatMap(({ proposal: { change } }) =>
    change.type === 'undo' ? [change.experiment] : [],
  );
  const underTest = new Set(
    [...state.open].flatMap((id) => {
      const { operator, change } = experimentOf(state, id).proposal;
      return operator === 'ablate' && change.type === 'undo' ? [change.experiment] : [];
    }),
  );
  const removed = removals.flatMap((id) => {
    const experiment = state.experiments.get(id);
    return experiment ? [{ experiment, keptBy: experiment }] : [];
  });
  return [...removed, ...held]
    .toSorted((a, b) => a.experiment.proposedAt - b.experiment.proposedAt)
    .map(({ experiment, keptBy }) => {
      const { id, proposal, linesAdded, linesRemoved } = experiment;
      const evidence = keptBy.verdict?.evidence ?? {};
      const ablation = lastAblation(state, id);
      const measured = ablation?.verdict?.evidence.carries;
      const gain = evidence.shrunkenGain ?? evidence.confirmMeanGain;
      const carries = measured && ablation ? { ...measured, ablation: ablation.id } : undefined;
      const lines = (linesAdded ?? 0) - (linesRemoved ?? 0);
      const worth = carries?.gain ?? gain;
      return withoutUndefined<Contribution>({
        experiment: id,
        statement: proposal.hypothesis.statement,
        operator: proposal.operator,
        gain,
        interval: evidence.confirmInterval,
        carries,
        isPresentCompany: ablation && ablation.proposal.parent === state.champion,
        linesAdded,
        linesRemoved,
        gainPerLine: worth !== undefined && lines > 0 ? worth / lines : undefined,
        standing: removals.includes(id) ? 'removed' : underTest.has(id) ? 'under test' : 'held',
      });
    });
}
