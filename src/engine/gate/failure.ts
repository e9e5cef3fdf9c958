import type { TrialOutcome } from '../../domain/trial.ts';
import type { Evidence, GateStage, Verdict } from '../../domain/verdict.ts';

/** The verdict on an experiment whose candidate failed a trial. One failure is enough at any stage: every run counts. */
export function failureVerdict(outcome: TrialOutcome, stage: GateStage, evidence: Evidence): Verdict | undefined {
  if (outcome.status !== 'failed') return undefined;
  if (outcome.suspected) {
    const broken = (outcome.checks ?? []).filter((check) => !check.ok).map((check) => `${check.id}: ${check.detail}`);
    return { kind: 'suspected-hack', stage, reasons: [outcome.reason, ...broken], evidence };
  }
  return { kind: 'failed', stage, failure: outcome.failure, reasons: [outcome.reason], evidence };
}
