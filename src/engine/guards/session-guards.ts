import process from 'node:process';
import { CATALOGUE, catalogueVersions, decides, idsThatRun } from '../../audit/catalogue/catalogue.ts';
import type { Integrity } from '../../audit/environment/open-integrity.ts';
import { judgeReports } from '../../audit/judge-reports.ts';
import type { GuardSource } from '../../audit/red-team/guard-source.ts';
import { auditTrial, expectedRuntimeAudits } from '../../audit/runtime/audit-trial.ts';
import type { SandboxKind } from '../../domain/trial.ts';
import { phasesAt } from '../../judge/judge-task.ts';
import type { Task } from '../../task/task.ts';
import type { EngineParts } from '../engine.ts';
import type { AttemptParts } from '../run-attempt.ts';
import { judgeTask } from '../task-rules.ts';
import { BatchKeeper } from './batch-keeper.ts';
import { numberAuditor } from './number-auditor.ts';

/** What audits each trial of a task. */
export function trialAuditor(task: Task, start: string, sandbox: SandboxKind): Required<AttemptParts>['auditTrial'] {
  const described = judgeTask(task, start);
  const { cores, threads } = task.spec.resources;
  const resources = { cores, ...(threads === undefined ? {} : { threads }) };
  return ({ plan, end, outcome }) => {
    const phases = phasesAt(described, plan.stage);
    const checks = outcome.status === 'succeeded' ? outcome.result.checks : 'checks' in outcome ? outcome.checks : [];
    return {
      reports: [
        ...auditTrial({ end, outcome, phases, resources }),
        ...judgeReports(checks ?? [], CATALOGUE, { isRefused: outcome.status === 'failed' }),
      ],
      expected: [...expectedRuntimeAudits({ sandbox, phases, os: process.platform }), ...task.spec.audits.judge],
      decides,
    };
  };
}

/** What guards a session: its batches, and the audits of changes and of keeps. */
export function sessionGuards(
  guards: GuardSource,
  integrity: Integrity,
  task: Task,
): Pick<EngineParts, 'batches' | 'changeAudits' | 'keepAudits'> {
  return {
    batches: new BatchKeeper({
      guards,
      catalogue: catalogueVersions(),
      checkIntegrity: () => integrity.check(),
      integrityAudits: idsThatRun('batch'),
    }),
    changeAudits: idsThatRun('change'),
    keepAudits: { auditNumbers: numberAuditor(task), expected: idsThatRun('experiment'), decides },
  };
}
