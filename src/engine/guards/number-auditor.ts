import { auditNumbers } from '../../audit/numbers/audit-numbers.ts';
import { runsAt } from '../../domain/trial.ts';
import type { Task } from '../../task/task.ts';
import type { NumberAudits } from './keep-audits.ts';

/** The audits of all numbers of an experiment, with what its task says of budget and machine. */
export function numberAuditor(task: Task): NumberAudits {
  const budget = task.spec.phases.find((phase) => phase.budget !== undefined && runsAt(phase, 'baseline'))?.budget;
  const machine = { cores: task.spec.resources.cores };
  return (input) =>
    auditNumbers({
      ...input,
      machine,
      ...(budget ? { budget: { limitSeconds: budget.limitSeconds, graceSeconds: budget.graceSeconds } } : {}),
    });
}
