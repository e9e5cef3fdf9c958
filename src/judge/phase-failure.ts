import type { FailureKind } from '../domain/trial.ts';
import type { PhaseEnd } from '../executor/executor.ts';
import type { JudgePhase } from './judge-task.ts';

export type PhaseFailure =
  | { readonly kind: 'cancelled'; readonly reason: string }
  | { readonly kind: 'failed'; readonly failure: FailureKind; readonly reason: string };

/**
 * How a phase failed; undefined if it ended well.
 *
 * @param complaint its last lines of standard error, made safe to show.
 */
export function phaseFailure(phase: JudgePhase, end: PhaseEnd, complaint: string): PhaseFailure | undefined {
  const what = phase.trust === 'judge' ? `the judge failed: phase '${phase.name}'` : `phase '${phase.name}'`;
  const failed = (failure: FailureKind, words: string): PhaseFailure => ({
    kind: 'failed',
    failure,
    reason: `${what} ${words}`,
  });
  const quoted = complaint === '' ? '' : `:\n${complaint}`;
  switch (end.reason) {
    case 'cancelled':
      return { kind: 'cancelled', reason: end.detail ?? `cancelled in phase '${phase.name}'` };
    case 'not-started': {
      // The machine's fault, not the candidate's: as if the attempt had been lost.
      const failure = /ENOSPC|no space left/i.test(end.detail ?? '') ? 'disk-full' : 'lost';
      return failed(failure, `could not be started: ${end.detail ?? 'no reason was given'}`);
    }
    case 'timeout':
      return failed(
        'timeout',
        `was ended after ${seconds(end.wallSeconds)}; its limit is ${seconds(phase.timeoutSeconds)}, start-up included`,
      );
    case 'over-budget':
      return failed('timeout', overBudget(phase, end));
    case 'out-of-memory':
      return failed(
        'out-of-memory',
        `ran out of memory${memory(end)}${end.detail === undefined ? '' : `: ${end.detail}`}`,
      );
    case 'over-disk':
      return failed('output-limit', `wrote more than it may${end.detail === undefined ? '' : `: ${end.detail}`}`);
    case 'signalled':
      if (end.signal === 'SIGXFSZ') return failed('output-limit', 'wrote a larger file than is allowed');
      // Our own limits have reasons of their own, and no program crashes by SIGKILL: somebody (a person, the kernel short of memory) ended
      // it from outside. It is run again; a candidate that does this to itself runs out of attempts.
      if (end.signal === 'SIGKILL') return failed('lost', `was killed from outside${quoted}`);
      return failed('crash', `was ended by ${end.signal ?? 'a signal'}${quoted}`);
    case 'exited':
      if (end.exitCode !== 0) return failed('crash', `ended with exit code ${end.exitCode ?? 'unknown'}${quoted}`);
      if (phase.budget === undefined) return undefined;
      if (end.budgetSeconds === undefined)
        return failed('crash', "ended before the judge's clock had started, so its budget was not measured");
      // The supervisor kills on time; this holds even if it was held up itself.
      if (end.budgetSeconds > phase.budget.limitSeconds + phase.budget.graceSeconds)
        return failed('timeout', overBudget(phase, end));
      return undefined;
  }
}

function overBudget(phase: JudgePhase, end: PhaseEnd): string {
  const { limitSeconds, graceSeconds } = phase.budget ?? { limitSeconds: Number.NaN, graceSeconds: 0 };
  const used = end.budgetSeconds === undefined ? 'more than' : `${seconds(end.budgetSeconds)} of`;
  return `used ${used} its budget of ${seconds(limitSeconds)} on the judge's clock (grace ${seconds(graceSeconds)})`;
}

function memory(end: PhaseEnd): string {
  return end.peakMemoryBytes === undefined ? '' : ` at ${Math.round(end.peakMemoryBytes / 2 ** 20)} MiB`;
}

function seconds(value: number): string {
  return `${Number(value.toFixed(2))} s`;
}
