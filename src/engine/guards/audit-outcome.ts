import type { AuditReport } from '../../domain/audit.ts';
import type { TrialOutcome } from '../../domain/trial.ts';

export interface TrialAudits {
  readonly reports: readonly AuditReport[];
  /** Audits that had to report on this trial. */
  readonly expected: readonly string[];
  /** Whether an audit that fires turns the verdict into 'suspected-hack'. */
  readonly decides: (audit: string) => boolean;
}

/**
 * The outcome with what the audits said of it. A result counts only when every audit that had to report has reported and none that
 * decides has fired; a failure stays one, but is suspected when such an audit fired.
 */
export function auditOutcome(outcome: TrialOutcome, { reports, expected, decides }: TrialAudits): TrialOutcome {
  if (outcome.status === 'cancelled' || (outcome.status === 'failed' && outcome.failure === 'lost')) return outcome;
  const facts = { ...outcome.facts, audits: reports };
  const fired = reports.filter(({ audit, finding }) => finding === 'fired' && decides(audit));
  const words = fired.map(({ audit, detail }) => `${audit}: ${detail}`).join('; ');
  if (outcome.status === 'failed') {
    if (fired.length === 0) return { ...outcome, facts };
    const reason = outcome.suspected === true ? outcome.reason : `${words} (it also failed: ${outcome.reason})`;
    return { ...outcome, suspected: true, reason, facts };
  }
  const { checks } = outcome.result;
  if (fired.length > 0)
    return { status: 'failed', failure: 'invalid-metric', reason: words, checks, suspected: true, facts };
  const silent = expected.filter((id) => !reports.some(({ audit }) => audit === id));
  if (silent.length > 0) {
    const reason = `silent guards: ${silent.join(', ')} had to report on this trial and did not, so its result counts for nothing`;
    return { status: 'failed', failure: 'unguarded', reason, checks, facts };
  }
  return { ...outcome, facts };
}
