import { chiSquareCdf } from '../../stats/chi-square.ts';
import { incompleteBeta } from '../../stats/beta-function.ts';
import { squaredDeviations } from '../../stats/summary.ts';
import type { NumberAudit, NumbersContext } from './number-audit.ts';

/** So little spread is a matter of chance once in ten thousand honest experiments. */
const LEVEL = 1e-4;

const FEWEST = 3;

/**
 * A candidate that ignores its seed (values computed before, copied, or made up) gives values that are identical to the last bit. Values
 * that merely spread far less than the noise floor (chi-square test) and than its references on the same seeds (F test) are noted: a better
 * method may well be that much less noisy, and who makes values up can add noise.
 */
export const seedIgnored: NumberAudit = {
  id: 'seed-ignored',
  version: 3,
  look: (context) => {
    const sigma = context.state.noise?.sigma ?? 0;
    const runs = context.runs.filter(({ scored }) => scored !== 'screen');
    const seeds = new Set(runs.map(({ seed }) => seed)).size;
    const own = pooled(runs);
    const n = runs.length;
    const looked = `${n} values on ${seeds} seeds`;
    if (!(sigma > 0))
      return { finding: 'passed', detail: `${looked}; the task has no noise of its own to compare with` };
    if (seeds < FEWEST || own.degrees < 2) return { finding: 'passed', detail: `${looked}: too few to tell` };
    // A value of each stage group may be alone in its group; only groups with two or more say anything.
    if (isConstant(context))
      return {
        finding: 'fired',
        detail: `${looked} are the same to the last bit, where one trial varies by ${sigma.toPrecision(2)}`,
      };
    const p = chiSquareCdf(own.squares / sigma ** 2, own.degrees);
    const spread = Math.sqrt(own.squares / own.degrees);
    const detail = `${looked} spread by ${spread.toPrecision(2)}, where one trial varies by ${sigma.toPrecision(2)} (chi-square p = ${p.toPrecision(2)})`;
    if (p >= LEVEL) return { finding: 'passed', detail };
    const references = pooled(context.shared.map(({ scored, reference }) => ({ scored, value: reference })));
    const pF = smallerSpread(own, references);
    const beside = `${detail}; beside its references p = ${pF === undefined ? 'unknown' : pF.toPrecision(2)}`;
    return { finding: 'noted', detail: beside };
  },
};

/** The change changed nothing that is measured: on every seed the candidate's value is its reference's, to the last bit. */
export const silentKnobRun: NumberAudit = {
  id: 'silent-knob-run',
  version: 1,
  look: ({ shared, state }) => {
    const equal = shared.filter(({ candidate, reference }) => candidate === reference).length;
    const detail = `${equal} of ${shared.length} values are those of the reference to the last bit`;
    if (!(state.noise && state.noise.sigma > 0))
      return { finding: 'passed', detail: `${detail}; the task has no noise` };
    return { finding: shared.length >= 2 && equal === shared.length ? 'noted' : 'passed', detail };
  },
};

interface Pooled {
  readonly squares: number;
  readonly degrees: number;
}

function pooled(values: readonly { readonly scored: string; readonly value: number }[]): Pooled {
  let [squares, degrees] = [0, 0];
  for (const scored of ['search', 'confirm']) {
    const group = values.filter((each) => each.scored === scored).map(({ value }) => value);
    if (group.length < 2) continue;
    squares += squaredDeviations(group);
    degrees += group.length - 1;
  }
  return { squares, degrees };
}

function isConstant({ runs }: NumbersContext): boolean {
  return ['search', 'confirm'].every((scored) => {
    const values = runs.filter((run) => run.scored === scored).map(({ value }) => value);
    return values.every((value) => value === values[0]);
  });
}

/** P(F <= observed) for the ratio of two variances (Fisher 1924; Abramowitz and Stegun 26.6.2). Undefined without two spreads. */
function smallerSpread(own: Pooled, other: Pooled): number | undefined {
  if (own.degrees < 1 || other.degrees < 1 || !(other.squares > 0)) return undefined;
  const ratio = own.squares / own.degrees / (other.squares / other.degrees);
  const x = (own.degrees * ratio) / (own.degrees * ratio + other.degrees);
  return incompleteBeta(own.degrees / 2, other.degrees / 2, x);
}
