import { isMeasurement } from '../../domain/hypothesis.ts';
import { wholeGainEstimate } from '../../domain/reduce.ts';
import { showGain } from '../../domain/show-number.ts';
import { mean, quantile, standardDeviation } from '../../stats/summary.ts';
import type { NumberAudit } from './number-audit.ts';

const GAP_ERRORS = 3;

/**
 * The visible metric gains and the hidden one does not: the candidate fits what the search scores. Both metrics must be in the same unit,
 * as the task's rule on the hidden split takes them to be.
 */
export const splitGap: NumberAudit = {
  id: 'split-gap',
  version: 1,
  look: ({ shared, state }) => {
    if (state.task.holdoutMetric === undefined) return { finding: 'passed', detail: 'the task has no hidden split' };
    const pairs = shared.flatMap(({ gain, hiddenGain }) => (hiddenGain === undefined ? [] : [{ gain, hiddenGain }]));
    if (pairs.length < 2)
      return { finding: 'passed', detail: `${pairs.length} pairs with both splits: too few to tell` };
    const gaps = pairs.map(({ gain, hiddenGain }) => gain - hiddenGain);
    const visible = mean(pairs.map(({ gain }) => gain));
    const hidden = mean(pairs.map(({ hiddenGain }) => hiddenGain));
    const error = standardDeviation(gaps) / Math.sqrt(gaps.length);
    const detail = `visible gain ${showGain(visible)}, hidden ${showGain(hidden)}, ${pairs.length} pairs, standard error of the gap ${error.toPrecision(2)}`;
    const isWide = mean(gaps) > GAP_ERRORS * error && mean(gaps) > 0;
    if (!isWide) return { finding: 'passed', detail };
    return { finding: hidden <= 0 ? 'fired' : 'noted', detail };
  },
};

const FEWEST_GAINS = 20;
const SURPRISE_SIGMAS = 8;
const BY_FAR = 3;

/**
 * A gain unlike everything before it: more than eight standard deviations (from the middle half, so that earlier keeps do not widen it)
 * above the campaign's history of gains, or three times the largest ever. Often true, always worth a look.
 */
export const surprise: NumberAudit = {
  id: 'surprise',
  version: 2,
  look: ({ state, experiment, verdict }) => {
    const gained = wholeGainEstimate(state, verdict);
    const history: number[] = [];
    for (const other of state.experiments.values()) {
      const estimate = other.verdict && wholeGainEstimate(state, other.verdict);
      if (other.id === experiment.id || isMeasurement(other.proposal.operator) || estimate === undefined) continue;
      history.push(estimate);
    }
    if (gained === undefined || history.length < FEWEST_GAINS)
      return { finding: 'passed', detail: `${history.length} gains before it: too few to be surprised` };
    // Of a normal law the middle half spans 1.349 standard deviations.
    const spread = (quantile(history, 0.75) - quantile(history, 0.25)) / 1.349;
    const floor = state.noise?.sigma ?? 0;
    const sigmas = (gained - quantile(history, 0.5)) / Math.max(spread, floor, 1e-300);
    const largest = Math.max(...history);
    const detail = `${showGain(gained)} is ${sigmas.toPrecision(2)} sigma above ${history.length} gains before it, the largest of which was ${showGain(largest)}`;
    const isByFar = largest > floor && gained > BY_FAR * largest;
    return { finding: sigmas > SURPRISE_SIGMAS || isByFar ? 'noted' : 'passed', detail };
  },
};
