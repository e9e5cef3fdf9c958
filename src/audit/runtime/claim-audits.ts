import type { Context, Finding } from './audited-trial.ts';

/** Checks of the judge, by their id in a result. */
const CHECKS = { match: 'claim-vs-result', doubled: 'claim.doubled' } as const;

export function claimVersusResult({ outcome }: Context): Finding | undefined {
  if (outcome.status !== 'succeeded') return undefined;
  const check = outcome.result.checks.find(({ id }) => id === CHECKS.match);
  if (check === undefined) return { finding: 'passed', detail: 'it claims nothing about the metric' };
  return { finding: check.ok ? 'passed' : 'fired', detail: check.detail };
}

export function doubledClaims({ outcome }: Context): Finding | undefined {
  if (outcome.status !== 'succeeded') return undefined;
  const check = outcome.result.checks.find(({ id, ok }) => id === CHECKS.doubled && !ok);
  if (check !== undefined) return { finding: 'fired', detail: check.detail };
  const names = Object.keys(outcome.facts.claim ?? {}).length;
  return { finding: 'passed', detail: `${names} claimed numbers, the metric at most once` };
}

export function outputLimits({ candidates }: Context): Finding | undefined {
  const mains = candidates.filter(({ role }) => role === 'main');
  if (mains.length === 0) return undefined;
  const cut = mains.filter(({ end }) => end.outputTruncated);
  const bytes = mains.map(({ label, end }) => `${label}: ${end.outputBytes} bytes printed`).join(', ');
  return cut.length > 0
    ? { finding: 'noted', detail: `${bytes}; not all was kept` }
    : { finding: 'passed', detail: bytes };
}
