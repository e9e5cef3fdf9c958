import path from 'node:path';
import { experimentId, trialId, type CandidateId } from '../src/domain/ids.ts';
import { valueOf } from '../src/domain/pairs.ts';
import type { Arm } from '../src/domain/trial.ts';
import { readSecret } from '../src/engine/campaign-folder.ts';
import { runAttempt } from '../src/engine/run-attempt.ts';
import { trialSeed } from '../src/engine/seeds.ts';
import { openTrialParts } from '../src/engine/trial-parts.ts';
import { openSqliteStore } from '../src/store/sqlite/open-sqlite-store.ts';
import { loadState } from '../src/engine/load-state.ts';
import { createRandom } from '../src/stats/random.ts';
import { oneSampleTTest } from '../src/stats/t-test.ts';
import { loadTask } from '../src/task/load-task.ts';
import { benchCampaign, benchSlots, REPOSITORY } from './campaign.ts';

/** A rule as many use it: so many pairs for every candidate, one paired t-test, keep if p is below the level. */
export interface FixedRule {
  readonly pairs: number;
  /** One-sided. */
  readonly level: number;
  /** How many candidates the budget of trials has room for. */
  readonly candidates: number;
}

export interface FixedOutcome {
  readonly trials: number;
  /** The planted gain of each candidate, in sigma, and whether it was kept. */
  readonly candidates: readonly { readonly gain: number; readonly isKept: boolean }[];
}

/** So many trials show a rule's power and its trials for each keep; its level is still that of the whole budget. */
const MOST_TRIALS = 1500;

/**
 * The rule live: each candidate is committed, and its pairs go through the same executor and judge as those of Assay, side by side on two
 * slots, against the best kept so far.
 *
 * @param drawGain true gain of a proposal in sigma, from a uniform number.
 */
export async function runFixedRule(
  taskFolder: string,
  rule: FixedRule,
  drawGain: (uniform: number) => number,
): Promise<FixedOutcome> {
  await using campaign = await benchCampaign(taskFolder, rule.candidates);
  const { folder } = campaign;
  const task = await loadTask(path.join(REPOSITORY, taskFolder));
  const secret = await readSecret(folder);
  const start = task.starts[0];
  await using parts = await openTrialParts({
    task,
    start,
    candidates: folder.candidates,
    attempts: folder.attempts,
    secret,
    slotList: benchSlots(2),
  });
  const { repository } = parts;
  let champion = await baselineOf(folder.log);
  let planted = 0;
  let trials = 0;
  const random = createRandom(`fixed ${taskFolder} ${rule.pairs}`);
  const never = new AbortController().signal;
  const measure = async (candidate: CandidateId, arm: Arm, pair: number, slot: number): Promise<number> => {
    trials += 1;
    const trial = trialId(trials);
    const seed = trialSeed(secret, 'replicate', pair);
    const plan = { trial, experiment: experimentId(1), candidate, stage: 'replicate', arm, pair, seed } as const;
    const token = `${trial}-1`;
    const outcome = await runAttempt({ ...parts, attemptsRoot: folder.attempts }, { plan, token, slot }, never);
    const value = valueOf(outcome);
    if (value === undefined) throw new Error(`a trial of the bench failed: ${JSON.stringify(outcome)}`);
    return value;
  };
  const candidates: { gain: number; isKept: boolean }[] = [];
  const count = Math.min(rule.candidates, Math.floor(MOST_TRIALS / (2 * rule.pairs)));
  for (let number = 1; number <= count; number += 1) {
    const gain = drawGain(random.uniform());
    const text = `"""${number}"""\n\nPLANTED_TOTAL = ${planted + gain}\n`;
    const candidate = await repository.commitChange({
      parent: champion,
      changes: new Map([['candidate.py', text]]),
      message: `candidate ${number}`,
      at: number,
    });
    const gains: number[] = [];
    for (let index = 0; index < rule.pairs; index += 1) {
      const pair = number * rule.pairs + index;
      const [theirs, ours] = await Promise.all([
        measure(champion, 'reference', pair, 0),
        measure(candidate, 'candidate', pair, 1),
      ]);
      gains.push(theirs - ours);
    }
    const { p, estimate } = oneSampleTTest(gains, { alternative: 'greater' });
    const isKept = p < rule.level && estimate > 0;
    candidates.push({ gain, isKept });
    if (!isKept) continue;
    champion = candidate;
    planted += gain;
  }
  return { trials, candidates };
}

async function baselineOf(log: string): Promise<CandidateId> {
  await using store = await openSqliteStore(log);
  return (await loadState(store)).state.baseline;
}

/** Gains in sigma and the share of proposals that have them; the rest are no-ops. */
export type Planted = readonly { readonly gain: number; readonly share: number }[];

/** The rule of everybody: level 0.05 for each candidate, and as many pairs as leave room for all of them (two at least). */
export function uncontrolledRule(trials: number, experiments: number): FixedRule {
  const pairs = Math.max(2, Math.round(trials / (2 * experiments)));
  return { pairs, level: 0.05, candidates: Math.min(experiments, Math.floor(trials / (2 * pairs))) };
}

/**
 * The fixed rule at the same error rate: 0.05 shared evenly by the candidates that fit the budget (Bonferroni), with the number of pairs
 * that keeps the most true gains in expectation. Nobody knows that number beforehand; it is the best that such a rule could do.
 */
export function bonferroniRule(trials: number, planted: Planted): FixedRule {
  const random = createRandom('power of the t-test');
  let best: { rule: FixedRule; keeps: number } | undefined;
  for (let pairs = 3; pairs <= 30; pairs += 1) {
    const candidates = Math.max(1, Math.floor(trials / (2 * pairs)));
    const rule = { pairs, level: 0.05 / candidates, candidates };
    const power = planted.map(({ gain, share }) => share * powerOfTTest(random, pairs, gain, rule.level));
    const keeps = candidates * power.reduce((sum, each) => sum + each, 0);
    if (!best || keeps > best.keeps) best = { rule, keeps };
  }
  if (!best) throw new Error('no number of pairs was tried');
  return best.rule;
}

/** Simulated. Half of a trial's variance is shared in a pair, so a difference varies by one sigma. */
function powerOfTTest(random: ReturnType<typeof createRandom>, pairs: number, gain: number, level: number): number {
  const runs = 2000;
  let passed = 0;
  for (let run = 0; run < runs; run += 1) {
    const gains = Array.from({ length: pairs }, () => gain + random.normal());
    if (oneSampleTTest(gains, { alternative: 'greater' }).p < level) passed += 1;
  }
  return passed / runs;
}
