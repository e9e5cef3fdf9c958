import { auditCandidate, auditFiles, refusal } from './audit-files.ts';
import { changeRulesOf } from '../../audit/static/change-rules.ts';
import type { AuditReport } from '../../domain/audit.ts';
import type { Proposal } from '../../domain/hypothesis.ts';
import type { CandidateId } from '../../domain/ids.ts';
import { experimentOf } from '../../domain/state.ts';
import { changeFiles, type ChangeParts } from './change-files.ts';
import { combineBranches } from './combine-branches.ts';
import type { Implementation, Workshop } from './workshop.ts';

/** Candidates as commits in the campaign's repository. */
export function createWorkshop(given: ChangeParts): Workshop {
  const { repository, task } = given;
  const rules = changeRulesOf(task);
  return {
    name: (experiment, candidate) => repository.keep(experiment, candidate),
    implement: async (proposal, state) => {
      const parent = experimentOf(state, proposal.parent).candidate;
      if (!parent)
        return { kind: 'failed', failure: 'build', reason: `its parent ${proposal.parent} has no candidate` };
      const { change, operator } = proposal;
      // Guards are our own: what a model thinks of them is worth nothing and costs a question.
      const parts = operator === 'guard' ? { ...given, comparability: undefined } : given;
      const words = { message: commitMessage(proposal), at: state.lastEventAt };
      switch (change.type) {
        case 'none':
          return describe(parts, parent, parent, {
            remarks: [],
            audits: await auditFiles(parts, rules, parent, new Map()),
          });
        case 'merge': {
          const ours = { ...experimentOf(state, proposal.parent), candidate: parent };
          const combined = await combineBranches(parts, ours, change, state, words);
          if (combined.kind === 'conflict')
            return { kind: 'failed', failure: 'conflict', reason: `the branches don't combine: ${combined.reason}` };
          const audits = await auditCandidate(parts, rules, parent, combined.candidate);
          return refusal(audits) ?? describe(parts, parent, combined.candidate, { remarks: combined.remarks, audits });
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
          const audits = await auditFiles(parts, rules, parent, changed.files);
          const refused = refusal(audits);
          if (refused) return refused;
          const candidate = await repository.commitChange({ parent, changes: changed.files, ...words });
          return describe(parts, parent, candidate, { remarks: changed.remarks, audits });
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
  found: { readonly remarks: readonly string[]; readonly audits: readonly AuditReport[] },
): Promise<Implementation> {
  const tree = await repository.treeOf(candidate);
  const unchanged = { filesChanged: 0, linesAdded: 0, linesRemoved: 0 };
  const { filesChanged, linesAdded, linesRemoved } =
    parent === candidate ? unchanged : await repository.diffStat(parent, candidate);
  const { audits } = found;
  const notes = audits.filter(({ finding }) => finding === 'noted').map(({ audit, detail }) => `${audit}: ${detail}`);
  const remarks = [...found.remarks, ...notes];
  const facts = { kind: 'candidate', candidate, tree, filesChanged, linesAdded, linesRemoved, audits } as const;
  return remarks.length > 0 ? { ...facts, remarks } : facts;
}

function commitMessage({ hypothesis, operator, proposer, parent }: Proposal): string {
  return `${hypothesis.statement}\n\n${hypothesis.rationale}\n\nKind: ${hypothesis.kind}\nOperator: ${operator}\nProposer: ${proposer}\nParent: ${parent}\n`;
}
