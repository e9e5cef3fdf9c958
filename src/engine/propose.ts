import type { AssayEvent } from '../domain/events.ts';
import type { Proposal } from '../domain/hypothesis.ts';
import { experimentId, type ExperimentId } from '../domain/ids.ts';
import { experimentOf, type CampaignState } from '../domain/state.ts';
import type { Implementation } from './workshop/workshop.ts';

/** Events of one proposal that was made and implemented: an experiment, or a rejection that says what it repeats. */
export function proposalEvents(
  state: CampaignState,
  proposal: Proposal,
  implementation: Implementation,
): { readonly events: readonly AssayEvent[]; readonly experiment?: ExperimentId } {
  const { proposer, operator } = proposal;
  const parent = experimentOf(state, proposal.parent);
  const reference = operator === 'replicate' ? (parent.reference ?? parent.candidate) : parent.candidate;
  if (!reference) {
    const reason = `its parent ${parent.id} has no candidate`;
    return { events: [{ type: 'proposal.rejected', proposer, operator, reason }] };
  }
  if (parent.retracted || parent.builtOn !== undefined) {
    const reason = `its parent ${parent.id} does not stand: ${parent.retracted?.reason ?? `it is built on ${parent.builtOn}, which was retracted`}`;
    return { events: [{ type: 'proposal.rejected', proposer, operator, reason }] };
  }
  if (implementation.kind === 'candidate' && proposal.change.type !== 'none') {
    const repeated = state.trees.get(implementation.tree);
    if (repeated) {
      const reason = `its files are those of ${repeated}, which is ${experimentOf(state, repeated).verdict?.kind ?? 'under way'}`;
      return { events: [{ type: 'proposal.rejected', proposer, operator, reason, duplicateOf: repeated }] };
    }
  }
  const experiment = experimentId(state.experimentCount);
  const proposed: AssayEvent = { type: 'experiment.proposed', experiment, proposal };
  if (implementation.kind === 'failed') {
    const { failure, reason, audits = [] } = implementation;
    // Refused by an audit, or never made: the ledger of what was tried has to tell them apart.
    const stage = audits.some(({ finding }) => finding === 'fired') ? 'static' : 'implement';
    const verdict = { kind: 'failed', stage, failure, reasons: [reason], evidence: {} } as const;
    const audited: AssayEvent[] =
      audits.length === 0 ? [] : [{ type: 'experiment.audited', experiment, occasion: 'change', audits }];
    return { events: [proposed, ...audited, { type: 'experiment.concluded', experiment, verdict }], experiment };
  }
  const { kind: _, remarks = [], ...facts } = implementation;
  const notes = remarks.map((text): AssayEvent => ({ type: 'note.written', kind: 'warning', text, experiment }));
  return {
    events: [proposed, { type: 'experiment.implemented', experiment, reference, ...facts }, ...notes],
    experiment,
  };
}

/** Audits that had to look at a change and did not. A change that could not be made, or that is none, has nothing to look at. */
export function silentChangeAudits(
  { change }: Proposal,
  { kind, audits = [] }: Implementation,
  expected: readonly string[],
): readonly string[] {
  if (change.type === 'none' || (kind === 'failed' && audits.length === 0)) return [];
  return expected.filter((id) => !audits.some(({ audit }) => audit === id));
}
