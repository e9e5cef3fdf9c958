import { verifyPublicCases } from '../../src/audit/claims/load-claim.ts';
import type { Section } from './section.ts';

/** The public claims that ship, judged by the contract of their benchmark. */
export async function claimsSection(): Promise<Section> {
  const cases = await verifyPublicCases();
  const lines = cases.map(({ name, title, expected, verification }) => {
    const asExpected = verification.outcome === expected ? '' : `, EXPECTED ${expected}`;
    const seen = verification.checks.map(decidingNumbers).filter((words) => words !== '');
    return `${name.padEnd(32)} ${verification.outcome}${asExpected}: ${title}${seen.length > 0 ? ` (${seen.join('; ')})` : ''}`;
  });
  const numbers = cases.map(({ name, expected, verification }) => ({ name, expected, ...verification }));
  return { title: 'Public claims', lines, numbers };
}

/** Statistic, t and p of one check, where it has them. */
function decidingNumbers({ name, numbers }: { name: string; numbers: Readonly<Record<string, number>> }): string {
  const shown = Object.entries(numbers).filter(([key]) => ['statistic', 't', 'p', 'lossN', 'lossMean'].includes(key));
  if (shown.length === 0) return '';
  return `${name} ${shown.map(([key, value]) => `${key}=${Number(value.toPrecision(6))}`).join(' ')}`;
}
