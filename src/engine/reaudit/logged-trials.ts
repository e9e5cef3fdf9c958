import type { AuditReport } from '../../domain/audit.ts';
import type { ExperimentId, TrialId } from '../../domain/ids.ts';
import type { Trial } from '../../domain/state.ts';
import type { Store } from '../../store/store.ts';

/** What the log has of one experiment and its audits. */
export interface LoggedExperiment {
  /** Those that ended, oldest first, as they were when the experiment was open. */
  readonly trials: readonly Trial[];
  /** The version of each audit that has looked at it last: at its change, its trials or all of it. */
  readonly auditedBy: Readonly<Record<string, number>>;
}

/** Reads an experiment back: the state forgets the trials of what is concluded. */
export async function readLogged(store: Pick<Store, 'read'>, id: ExperimentId): Promise<LoggedExperiment> {
  const trials = new Map<TrialId, Trial>();
  const auditedBy: Record<string, number> = {};
  const take = (reports: readonly AuditReport[] = []): void => {
    for (const { audit, version } of reports) auditedBy[audit] = version;
  };
  for await (const { event } of store.read({ experiment: id })) {
    switch (event.type) {
      case 'experiment.implemented':
      case 'experiment.audited':
        take(event.audits);
        break;
      case 'trial.planned':
        trials.set(event.plan.trial, { plan: event.plan, state: 'planned', attempt: 0, lost: 0 });
        break;
      case 'trial.finished': {
        const trial = trials.get(event.trial);
        const { attempt, outcome } = event;
        if (trial) trials.set(event.trial, { ...trial, state: 'ended', attempt, outcome });
        if (trial?.plan.arm === 'candidate') take(outcome.facts.audits);
        break;
      }
      case 'trial.withdrawn':
        trials.delete(event.trial);
        break;
      default:
    }
  }
  return { trials: [...trials.values()].filter(({ state }) => state === 'ended'), auditedBy };
}
