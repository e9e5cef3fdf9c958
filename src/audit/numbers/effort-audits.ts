import { scoredAt } from '../../domain/scored.ts';
import type { Claim } from '../../domain/trial.ts';
import { mean, quantile } from '../../stats/summary.ts';
import type { NumberAudit, NumbersContext } from './number-audit.ts';

const LITTLE_EFFORT = 0.2;

/** It beats its reference with less than a fifth of the time that it was given: brilliant, or the work was done elsewhere. */
export const effort: NumberAudit = {
  id: 'effort',
  version: 2,
  look: (context) => {
    const { budget, shared } = context;
    if (!budget) return { finding: 'passed', detail: 'the task has no budget of time' };
    const used = budgetSeconds(context);
    if (used.length === 0) return { finding: 'passed', detail: 'no run says how long it took' };
    const share = mean(used) / budget.limitSeconds;
    const whole = shared.filter(({ scored }) => scored !== 'screen');
    const gained = whole.length > 0 && mean(whole.map(({ gain }) => gain)) > 0;
    const detail = `${used.length} runs used ${(100 * share).toFixed(0)} % of the ${budget.limitSeconds} s that they were given`;
    return { finding: gained && share < LITTLE_EFFORT ? 'noted' : 'passed', detail };
  },
};

/** So much longer than its references, in seconds or as a part of the limit, is no matter of chance or of a busy machine. */
const LONGER = { seconds: 0.05, part: 0.025 } as const;
const FEWEST_RUNS = 3;

/**
 * Every run used time of the grace, and more of it than the references that ran beside it: the candidate trains longer than it may. Where
 * the machine was too busy for everybody the references are late as well, and nothing is said.
 */
export const budgetEdge: NumberAudit = {
  id: 'budget-edge',
  version: 2,
  look: (context) => {
    const { budget, trials, state } = context;
    if (!budget) return { finding: 'passed', detail: 'the task has no budget of time' };
    const used = budgetSeconds(context);
    const over = used.filter((seconds) => seconds > budget.limitSeconds).length;
    const detail = `${over} of ${used.length} runs went on after ${budget.limitSeconds} s, into the grace of ${budget.graceSeconds} s`;
    if (used.length < 2 || over < used.length) return { finding: 'passed', detail };
    const references = trials.flatMap(({ plan, outcome }) =>
      plan.arm === 'reference' && scoredAt(plan.stage, state.task.screensApart === true) !== 'screen'
        ? (outcome?.facts.budgetSeconds ?? [])
        : [],
    );
    if (references.length === 0) return { finding: 'noted', detail };
    const longer = quantile(used, 0.5) - quantile(references, 0.5);
    const beside = `${detail}, in the median ${longer.toFixed(3)} s longer than ${references.length} references`;
    const allowed = Math.max(LONGER.seconds, LONGER.part * budget.limitSeconds);
    return { finding: used.length >= FEWEST_RUNS && longer > allowed ? 'fired' : 'noted', detail: beside };
  },
};

/**
 * More than any core computes: 32 lanes of 16 bits, two units, multiply and add, at 6 GHz, would be 0.8e12 floating-point operations a
 * second; matrix units reach 2048 a cycle (Intel, Architecture Instruction Set Extensions, AMX), 12e12 at 6 GHz. Generous on purpose: a
 * claim above it is wrong, whatever the machine.
 */
const PEAK_FLOPS_PER_CORE = 12e12;

/** Training takes about 6 operations for each parameter and token (Kaplan and others 2020, arXiv 2001.08361, section 2.1). */
const FLOPS_PER_PARAMETER_AND_TOKEN = 6;

/** What the candidate claims to have computed, against what the machine could have in that time. */
export const throughput: NumberAudit = {
  id: 'throughput',
  version: 1,
  look: ({ runs, machine }) => {
    if (!machine) return { finding: 'passed', detail: 'nothing is known of the machine' };
    const peak = machine.cores * PEAK_FLOPS_PER_CORE + (machine.acceleratorFlops ?? 0);
    const rates = runs.flatMap(({ outcome }) => {
      const { claim, budgetSeconds: budgeted, wallSeconds } = outcome.facts;
      const seconds = budgeted ?? wallSeconds;
      const work = claim && claimedWork(claim);
      return work === undefined || seconds === undefined || !(seconds > 0) ? [] : [work / seconds];
    });
    if (rates.length === 0)
      return { finding: 'passed', detail: `${runs.length} runs, of which none claims tokens and parameters` };
    const most = Math.max(...rates);
    const detail = `${rates.length} runs claim up to ${most.toExponential(1)} operations a second; the machine has less than ${peak.toExponential(1)}`;
    return { finding: most > peak ? 'noted' : 'passed', detail };
  },
};

/** In floating-point operations. Undefined unless both tokens and parameters are claimed. */
function claimedWork(claim: Claim): number | undefined {
  const tokens = first(claim, ['tokens', 'total_tokens', 'num_tokens'], 'total_tokens_M');
  const parameters = first(claim, ['parameters', 'num_params', 'params', 'num_parameters'], 'num_params_M');
  return tokens === undefined || parameters === undefined
    ? undefined
    : FLOPS_PER_PARAMETER_AND_TOKEN * tokens * parameters;
}

function first(claim: Claim, names: readonly string[], inMillions: string): number | undefined {
  for (const name of names) if (claim[name] !== undefined) return claim[name];
  const millions = claim[inMillions];
  return millions === undefined ? undefined : millions * 1e6;
}

const APART = 0.01;

/** What it says of itself is not what is measured, in every run: by more than 1 %. */
export const claimsDrift: NumberAudit = {
  id: 'claims-drift',
  version: 1,
  look: ({ runs, state }) => {
    const { metric } = state.task;
    const claimed = runs.flatMap(({ value, outcome }) => {
      const said = outcome.facts.claim?.[metric];
      return said === undefined ? [] : [{ said, value }];
    });
    const apart = claimed.filter(({ said, value }) => Math.abs(said - value) > APART * Math.abs(value)).length;
    const detail = `${apart} of ${claimed.length} claims of ${metric} are more than 1 % from the result, in ${runs.length} runs`;
    return { finding: claimed.length >= 2 && apart === claimed.length ? 'noted' : 'passed', detail };
  },
};

/** Screens with a budget of their own are left out. */
function budgetSeconds({ runs }: NumbersContext): readonly number[] {
  return runs.flatMap(({ scored, outcome }) => (scored === 'screen' ? [] : (outcome.facts.budgetSeconds ?? [])));
}
