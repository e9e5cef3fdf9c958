import type { AuditReport } from '../../domain/audit.ts';
import { budgetEdge, claimsDrift, effort, throughput } from './effort-audits.ts';
import { splitGap, surprise } from './gain-audits.ts';
import { numbersContext, type NumberAudit, type NumbersInput } from './number-audit.ts';
import { seedIgnored, silentKnobRun } from './spread-audits.ts';

const AUDITS: readonly NumberAudit[] = [
  seedIgnored,
  silentKnobRun,
  splitGap,
  effort,
  throughput,
  surprise,
  claimsDrift,
  budgetEdge,
];

/** Every audit that looks at all numbers of an experiment. Each reports, also when it had nothing to look at. */
export function auditNumbers(input: NumbersInput): readonly AuditReport[] {
  const context = numbersContext(input);
  return AUDITS.map((audit) => ({ audit: audit.id, version: audit.version, ...audit.look(context) }));
}
