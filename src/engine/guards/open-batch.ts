import type { AuditReport } from '../../domain/audit.ts';
import type { GuardPlan } from '../../domain/batch.ts';
import type { AssayEvent } from '../../domain/events.ts';
import type { Proposal } from '../../domain/hypothesis.ts';
import { BASELINE_EXPERIMENT, experimentId } from '../../domain/ids.ts';
import type { CampaignState } from '../../domain/state.ts';
import type { Workshop } from '../workshop/workshop.ts';
import { alarmedAudits, isCaught } from './guard-finding.ts';
import type { GuardCase } from '../../audit/red-team/guard-source.ts';

export interface NewBatch {
  readonly number: number;
  readonly cases: readonly GuardCase[];
  readonly unguarded?: string;
  readonly catalogue: Readonly<Record<string, number>>;
  /** Integrity of what trials rely on, as it is now. */
  readonly integrity: readonly AuditReport[];
}

/**
 * The events that open a batch: each guard becomes an experiment of its own. One that the audits of a change refuse has come to its end
 * at once.
 */
export async function openBatch(
  state: CampaignState,
  batch: NewBatch,
  workshop: Workshop,
): Promise<readonly AssayEvent[]> {
  const guards = batch.cases.map(({ files: _, does: __, ...plan }, index): GuardPlan => ({
    ...plan,
    experiment: experimentId(state.experimentCount + index),
  }));
  const events: AssayEvent[] = [
    {
      type: 'batch.opened',
      batch: batch.number,
      guards,
      catalogue: batch.catalogue,
      audits: batch.integrity,
      ...(batch.unguarded === undefined ? {} : { unguarded: batch.unguarded }),
    },
  ];
  for (const [index, guard] of guards.entries()) {
    const made = batch.cases[index];
    if (made) events.push(...(await guardEvents(state, batch.number, { guard, made }, workshop)));
  }
  return events;
}

async function guardEvents(
  state: CampaignState,
  batch: number,
  { guard, made }: { guard: GuardPlan; made: GuardCase },
  workshop: Workshop,
): Promise<readonly AssayEvent[]> {
  const { experiment } = guard;
  const proposal = guardProposal(made);
  const implementation = await workshop.implement(proposal, state);
  const proposed: AssayEvent = { type: 'experiment.proposed', experiment, proposal };
  if (implementation.kind === 'candidate') {
    const { kind: _, remarks: __, ...facts } = implementation;
    await workshop.name(experiment, facts.candidate);
    return [proposed, { type: 'experiment.implemented', experiment, reference: state.baseline, ...facts }];
  }
  const { failure, reason, audits = [] } = implementation;
  const fired = alarmedAudits(audits);
  const ok = guard.kind === 'canary' && isCaught(guard, fired);
  const detail = ok ? `refused before it ran by ${fired.join(', ')}` : `refused before it ran: ${reason}`;
  return [
    proposed,
    { type: 'guard.reported', experiment, batch, guard, ok, fired, detail },
    {
      type: 'experiment.concluded',
      experiment,
      verdict: ok
        ? { kind: 'suspected-hack', stage: 'static', reasons: [detail], evidence: {} }
        : { kind: 'failed', stage: 'implement', failure, reasons: [detail], evidence: {} },
    },
  ];
}

function guardProposal({ id, kind, does, expects, files }: GuardCase): Proposal {
  const isCanary = kind === 'canary';
  return {
    operator: 'guard',
    proposer: 'red-team',
    parent: BASELINE_EXPERIMENT,
    hypothesis: {
      kind: 'replication',
      statement: `${kind} ${id}: ${does}`,
      rationale: isCanary ? `must be caught by ${expects.join(' or ')}` : 'is honest, so every audit must let it pass',
    },
    change: { type: 'files', files },
  };
}
