import type { CommitWords } from '../../candidate/candidate-repository.ts';
import type { Change } from '../../domain/hypothesis.ts';
import type { CandidateId } from '../../domain/ids.ts';
import { experimentOf, lineage, type CampaignState, type Experiment } from '../../domain/state.ts';
import { changeFiles, type ChangeParts } from './change-files.ts';

export type Combination =
  | { readonly kind: 'combined'; readonly candidate: CandidateId; readonly remarks: readonly string[] }
  | { readonly kind: 'conflict'; readonly reason: string };

/**
 * Joins a branch to a candidate: three-way by git, then hunk by hunk; where texts collide but the branch was built of knobs and
 * patterns, these are applied again one by one, since numbers that stand side by side collide as text and not in meaning.
 */
export async function combineBranches(
  parts: ChangeParts,
  ours: Experiment & { readonly candidate: CandidateId },
  change: Extract<Change, { type: 'merge' }>,
  state: CampaignState,
  words: CommitWords,
): Promise<Combination> {
  const { repository } = parts;
  const merged = await repository.merge(ours.candidate, change.other, words);
  if (merged.kind === 'clean') {
    return {
      kind: 'combined',
      candidate: merged.candidate,
      remarks: merged.resolved.map((place) => `combined hunk by hunk in ${place.path}`),
    };
  }
  const reason = merged.files.map((file) => `${file.path}: ${file.reason}`).join('; ');
  const steps = stepsOfBranch(state, ours, experimentOf(state, change.otherExperiment));
  if (!steps) return { kind: 'conflict', reason };
  let candidate = ours.candidate;
  for (const step of steps) {
    const changed = await changeFiles(parts, candidate, step, state);
    if (changed.kind === 'failed')
      return { kind: 'conflict', reason: `${reason}; applied again step by step: ${changed.reason}` };
    candidate = await repository.commitChange({ parent: candidate, changes: changed.files, ...words });
  }
  return {
    kind: 'combined',
    candidate,
    remarks: [
      `git could not merge the texts (${reason}); the branch's ${steps.length} structured changes were applied again`,
    ],
  };
}

/** The knob and pattern steps by which a branch left the line of `ours`, oldest first. Undefined: it holds other changes. */
function stepsOfBranch(
  state: CampaignState,
  ours: Experiment,
  branch: Experiment,
): Extract<Change, { type: 'knobs' | 'pattern' }>[] | undefined {
  const shared = new Set(lineage(state, ours.id).map(({ id }) => id));
  const steps: Extract<Change, { type: 'knobs' | 'pattern' }>[] = [];
  for (const { id, proposal } of lineage(state, branch.id)) {
    if (shared.has(id)) return steps.toReversed();
    // A replication measured its parent's files again.
    if (proposal.change.type === 'none') continue;
    if (proposal.change.type !== 'knobs' && proposal.change.type !== 'pattern') return undefined;
    steps.push(proposal.change);
  }
  return undefined;
}
