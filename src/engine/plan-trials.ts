import type { AssayEvent } from '../domain/events.ts';
import { trialId, type CandidateId } from '../domain/ids.ts';
import { pairsOf } from '../domain/pairs.ts';
import type { CampaignState, Experiment, ScreenBlock } from '../domain/state.ts';
import type { Arm, Stage } from '../domain/trial.ts';

/** So many screens share one run of their common reference: same seed, close in time. */
const SCREENS_PER_REFERENCE = 4;

/** Turns "so many more pairs" into trials with numbers and seeds. Candidate and reference alternate in who goes first (ABBA). */
export function planTrials(
  state: CampaignState,
  experiment: Experiment,
  request: { stage: Stage; pairs: number },
  seedOf: (stage: Stage, pair: number) => number,
): readonly AssayEvent[] {
  const { candidate, reference } = experiment;
  if (!candidate) throw new Error(`${experiment.id} has no candidate to run`);
  let trials = state.trialCount;
  let pairs = state.pairCount;
  const events: AssayEvent[] = [];
  const plan = (stage: Stage, pair: number, arm: Arm, which: CandidateId, seed: number): void => {
    trials += 1;
    const ids = { trial: trialId(trials), experiment: experiment.id };
    events.push({ type: 'trial.planned', plan: { ...ids, candidate: which, stage, arm, pair, seed } });
  };
  const { stage } = request;
  if (stage === 'screen') {
    const block = reference && openBlock(state, reference);
    const pair = block?.pair ?? pairs + 1;
    const seed = block?.seed ?? seedOf(stage, pair);
    if (!block && reference) plan(stage, pair, 'reference', reference, seed);
    plan(stage, pair, 'candidate', candidate, seed);
    return events;
  }
  const before = pairsOf(state, experiment.id, stage);
  // Pairs are numbered across the campaign; who goes first alternates within the experiment, from a side that is even over many.
  const first = before[0]?.pair ?? pairs + 1;
  for (let count = 0; count < request.pairs; count += 1) {
    pairs += 1;
    const seed = seedOf(stage, pairs);
    if (stage === 'baseline' || !reference) {
      plan(stage, pairs, 'candidate', candidate, seed);
      continue;
    }
    const arms: [Arm, CandidateId][] = [
      ['candidate', candidate],
      ['reference', reference],
    ];
    if ((first + before.length + count) % 2 === 0) arms.reverse();
    for (const [arm, which] of arms) plan(stage, pairs, arm, which, seed);
  }
  return events;
}

/** The newest block of this reference that has room. One whose reference failed is not joined. */
function openBlock(state: CampaignState, reference: CandidateId): ScreenBlock | undefined {
  let newest: ScreenBlock | undefined;
  for (const block of state.screenBlocks.values()) {
    if (block.reference === reference && block.value !== null && block.pair > (newest?.pair ?? 0)) newest = block;
  }
  return newest && newest.uses < SCREENS_PER_REFERENCE ? newest : undefined;
}
