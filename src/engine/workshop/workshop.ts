import type { AuditReport } from '../../domain/audit.ts';
import type { FailureKind } from '../../domain/trial.ts';
import type { Proposal } from '../../domain/hypothesis.ts';
import type { CandidateId, ExperimentId } from '../../domain/ids.ts';
import type { CampaignState } from '../../domain/state.ts';

export type Implementation =
  | {
      readonly kind: 'candidate';
      readonly candidate: CandidateId;
      readonly tree: string;
      readonly filesChanged: number;
      readonly linesAdded: number;
      readonly linesRemoved: number;
      /** What a person may want to look at: triage findings, places that were combined hunk by hunk. */
      readonly remarks?: readonly string[];
      /** What the audits of the change said. */
      readonly audits?: readonly AuditReport[];
    }
  | {
      readonly kind: 'failed';
      readonly failure: Extract<FailureKind, 'build'> | 'conflict';
      readonly reason: string;
      readonly audits?: readonly AuditReport[];
    };

/** Turns a proposal into a commit, and holds it to the static audits. Touches the candidates' repository and nothing else. */
export interface Workshop {
  implement(proposal: Proposal, state: CampaignState): Promise<Implementation>;
  /** Names the commit after its experiment, so that it is kept for ever, whatever the verdict. */
  name(experiment: ExperimentId, candidate: CandidateId): Promise<void>;
}
