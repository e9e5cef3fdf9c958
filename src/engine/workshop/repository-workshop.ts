import { checkChange, type FileChange } from '../../audit/static/static-rules.ts';
import type { Proposal } from '../../domain/hypothesis.ts';
import type { CandidateId } from '../../domain/ids.ts';
import { experimentOf } from '../../domain/state.ts';
import { changeFiles, type ChangeParts } from './change-files.ts';
import { combineBranches } from './combine-branches.ts';
import type { Implementation, Workshop } from './workshop.ts';

/** Candidates as commits in the campaign's repository. */
export function createWorkshop(parts: ChangeParts): Workshop {
  const { repository, task } = parts;
  return {
    name: (experiment, candidate) => repository.keep(experiment, candidate),
    implement: async (proposal, state) => {
      const parent = experimentOf(state, proposal.parent).candidate;
      if (!parent)
        return { kind: 'failed', failure: 'build', reason: `its parent ${proposal.parent} has no candidate` };
      const { change } = proposal;
      const words = { message: commitMessage(proposal), at: state.lastEventAt };
      switch (change.type) {
        case 'none':
          return describe(parts, parent, parent, []);
        case 'merge': {
          const ours = { ...experimentOf(state, proposal.parent), candidate: parent };
          const combined = await combineBranches(parts, ours, change, state, words);
          if (combined.kind === 'combined') return describe(parts, parent, combined.candidate, combined.remarks);
          return { kind: 'failed', failure: 'conflict', reason: `the branches don't combine: ${combined.reason}` };
        }
        case 'knobs':
        case 'pattern':
        case 'undo':
        case 'files':
        case 'diff': {
          const changed = await changeFiles(parts, parent, change, state);
          if (changed.kind === 'failed') return changed;
          if (changed.files.size === 0)
            return { kind: 'failed', failure: 'build', reason: 'the change leaves every file as it was' };
          const before = await repository.readFiles(parent, (path) => changed.files.has(path));
          const changes = [...changed.files].map(([path, after]): FileChange => ({
            path,
            ...(before.has(path) ? { before: before.get(path) as Buffer } : {}),
            ...(after === null ? {} : { after: typeof after === 'string' ? Buffer.from(after) : after }),
          }));
          const findings = checkChange(changes, {
            isEditable: (path) => task.isEditable(path),
            maxDiffBytes: task.spec.files.maxDiffBytes,
          });
          const refused = findings.filter((finding) => finding.weight === 'refuse');
          if (refused.length > 0) {
            return { kind: 'failed', failure: 'build', reason: refused.map((finding) => finding.detail).join('; ') };
          }
          const candidate = await repository.commitChange({ parent, changes: changed.files, ...words });
          const remarks = [...changed.remarks, ...findings.map((finding) => finding.detail)];
          return describe(parts, parent, candidate, remarks);
        }
        default:
          return change satisfies never;
      }
    },
  };
}

async function describe(
  { repository }: ChangeParts,
  parent: CandidateId,
  candidate: CandidateId,
  remarks: readonly string[],
): Promise<Implementation> {
  const tree = await repository.treeOf(candidate);
  const unchanged = { filesChanged: 0, linesAdded: 0, linesRemoved: 0 };
  const { filesChanged, linesAdded, linesRemoved } =
    parent === candidate ? unchanged : await repository.diffStat(parent, candidate);
  const facts = { kind: 'candidate', candidate, tree, filesChanged, linesAdded, linesRemoved } as const;
  return remarks.length > 0 ? { ...facts, remarks } : facts;
}

function commitMessage({ hypothesis, operator, proposer, parent }: Proposal): string {
  return `${hypothesis.statement}\n\n${hypothesis.rationale}\n\nKind: ${hypothesis.kind}\nOperator: ${operator}\nProposer: ${proposer}\nParent: ${parent}\n`;
}
