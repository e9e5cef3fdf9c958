import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { CandidateRepository } from '../candidate/candidate-repository.ts';
import { makeFolders, writeNewFile } from '../candidate/checkout.ts';
import { UserError } from '../errors.ts';
import type { Attempt } from '../executor/executor.ts';
import { compileClaimPattern } from './read-claim.ts';
import { concludeTrial } from './conclude-trial.ts';
import type { Judge, RunContext } from './judge.ts';
import { judgeSeed } from './judge-seed.ts';
import { exchangeFolder, phasesAt, type JudgePlaces, type JudgeTask } from './judge-task.ts';
import { planPhases } from './plan-phases.ts';

export interface TaskJudgeOptions extends JudgePlaces {
  readonly task: JudgeTask;
  readonly repository: Pick<CandidateRepository, 'checkout'>;
  /** The campaign's; see `judgeSeed`. */
  readonly secret: string | Uint8Array;
  /** How far a claim may be from the result, as a part of the result, before a check says so. Default 0.01. */
  readonly claimTolerance?: number;
}

/**
 * The judge of a task that is described by phases.
 *
 * @throws UserError `task-invalid` when the task can't be judged safely, before anything runs.
 */
export function createTaskJudge(options: TaskJudgeOptions): Judge {
  const { task } = options;
  requireSecret(options.secret);
  requireSafeTask(task);
  const claimPattern = compileClaimPattern(task.claimPattern);
  return {
    async prepare(context) {
      await layOutWorkspace(options, context);
      return {
        token: context.token,
        slot: context.slot,
        phases: planPhases({
          task,
          places: options,
          plan: context.plan,
          judgeSeed: judgeSeed(options.secret, context.plan.seed),
          directory: context.directory,
        }),
      } satisfies Attempt;
    },
    conclude: (context, end) =>
      concludeTrial({
        task,
        phases: phasesAt(task, context.plan.stage),
        directory: context.directory,
        end,
        claimPattern,
        claimTolerance: options.claimTolerance ?? 0.01,
      }),
  };
}

/** `workspace`, `output`, `result` and the folders of exchanges in the attempt's folder. */
async function layOutWorkspace(options: TaskJudgeOptions, context: RunContext): Promise<void> {
  const { protectedFiles, isEditable } = options.task;
  const workspace = join(context.directory, 'workspace');
  await Promise.all([
    options.repository.checkout(context.plan.candidate, workspace, {
      only: (path) => isEditable(path) && !isAtOrBelow(protectedFiles, path),
    }),
    mkdir(join(context.directory, 'output'), { recursive: true }),
    mkdir(join(context.directory, 'result'), { recursive: true }),
    ...phasesAt(options.task, context.plan.stage)
      .filter((phase) => phase.exchange === true)
      .map((phase) => mkdir(exchangeFolder(context.directory, phase), { recursive: true })),
  ]);
  await makeFolders(workspace, [...protectedFiles.keys()]);
  await Promise.all([...protectedFiles].map(([path, content]) => writeNewFile(workspace, path, content, 0o644)));
}

/** A candidate's `lib/x.py` must not stand where the task has a protected file `lib`, nor the other way round. */
function isAtOrBelow(protectedFiles: ReadonlyMap<string, unknown>, path: string): boolean {
  for (let end = path.length; end > 0; end = path.lastIndexOf('/', end - 1)) {
    if (protectedFiles.has(path.slice(0, end))) return true;
  }
  for (const file of protectedFiles.keys()) if (file.startsWith(`${path}/`)) return true;
  return false;
}

function requireSecret(secret: string | Uint8Array): void {
  if (secret.length < 16) throw new RangeError('the secret of a campaign has at least 16 bytes');
}

function requireSafeTask(task: JudgeTask): void {
  for (const phase of task.phases) {
    if (phase.peer !== undefined && phase.trust !== 'judge') {
      throw invalid(
        `phase '${phase.name}' runs the candidate and has a peer`,
        'only a judge may have a peer: trust: judge',
      );
    }
    if (phase.exchange === true && phase.peer === undefined) {
      throw invalid(`phase '${phase.name}' has an exchange and no peer`, 'give it a peer, or leave the exchange out');
    }
    if (!/^[A-Za-z0-9][\w-]*$/.test(phase.name))
      throw invalid(`'${phase.name}' can't name a phase`, 'use letters, digits, - and _');
    for (const process of [phase, ...(phase.peer ? [phase.peer] : [])]) {
      if (process.trust === 'judge') continue;
      const texts = [...process.command, ...Object.values(process.variables), ...Object.values(task.variables)];
      for (const word of ['{stage}', '{result}', '{task}']) {
        if (!texts.some((text) => text.includes(word))) continue;
        throw invalid(
          `phase '${phase.name}' gives ${word} to the candidate`,
          'a candidate must know neither the stage nor the way to the result',
        );
      }
    }
  }
}

function invalid(message: string, hint: string): UserError {
  return new UserError('task-invalid', message, hint);
}
