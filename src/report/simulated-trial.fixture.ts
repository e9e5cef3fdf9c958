import type { Direction } from '../domain/events.ts';
import type { Proposal } from '../domain/hypothesis.ts';
import type { SandboxKind, TrialOutcome, TrialPlan } from '../domain/trial.ts';
import { createRandom, type Random } from '../stats/random.ts';

export interface Idea {
  readonly statement: string;
  /** The true gain, in the metric's units. */
  readonly effect: number;
  readonly predicted?: readonly [low: number, high: number];
  readonly operator?: Proposal['operator'];
  readonly kind?: Proposal['hypothesis']['kind'];
  readonly change?: Proposal['change'];
  /** How each of its trials ends. */
  readonly fails?: 'crash' | 'timeout' | 'out-of-memory' | 'hack' | 'conflict';
}

/** How a trial of a made-up landscape ends. Trials of one pair share part of their noise, as those with one seed do. */
export function simulateTrial(input: {
  readonly plan: TrialPlan;
  readonly attempt: number;
  readonly idea: Idea | undefined;
  /** The true gain of the candidate over the start. */
  readonly better: number;
  readonly direction: Direction;
  readonly start: number;
  readonly noise: number;
  readonly random: Random;
  readonly sandbox: SandboxKind;
}): TrialOutcome {
  const { plan, attempt, idea, better, direction, start, noise, random, sandbox } = input;
  const seconds = 20 + 3 * random.uniform();
  const facts = {
    wallSeconds: seconds,
    budgetSeconds: seconds - 1,
    peakMemoryBytes: 400_000_000 + attempt,
    slot: 0,
    sandbox,
  } as const;
  if (idea?.fails === 'hack') {
    const checks = [{ id: 'causality', ok: false, detail: 'the prediction changes with later tokens' }];
    const reason = 'the model looks at what it is to predict';
    return { status: 'failed', failure: 'invalid-metric', reason, suspected: true, checks, facts };
  }
  if (idea?.fails !== undefined && idea.fails !== 'conflict') {
    return { status: 'failed', failure: idea.fails, reason: `the candidate ended with a ${idea.fails}`, facts };
  }
  const shared = createRandom(plan.seed).normal();
  const value = start + (direction === 'minimize' ? -better : better) + noise * (0.6 * shared + 0.8 * random.normal());
  const result = { value, metrics: { train_loss: value * 0.9 }, checks: [] };
  return { status: 'succeeded', result, facts: { ...facts, claim: { val_bpb: value } } };
}
