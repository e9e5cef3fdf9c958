import { verifyPublicCases } from '../../src/audit/claims/load-claim.ts';
import type { Section } from './section.ts';

/** The public claims that ship, judged by the contract of their benchmark. */
export async function claimsSection(): Promise<Section> {
  const cases = await verifyPublicCases();
  const lines = cases.map(({ name, title, expected, verification }) => {
    const asExpected = verification.outcome === expected ? '' : `, EXPECTED ${expected}`;
    return `${name.padEnd(32)} ${verification.outcome}${asExpected}: ${title}`;
  });
  const numbers = cases.map(({ name, expected, verification }) => ({ name, expected, ...verification }));
  return { title: 'Public claims', lines, numbers };
}
