import { expect, test } from 'vitest';
import type { AuditDescription } from '../../audit/catalogue/audit-description.ts';
import { isNothingStale, staleAudits } from './stale-audits.ts';

function description(id: string, runs: AuditDescription['runs'], version = 1): AuditDescription {
  const words = { title: id, cost: '', heartbeat: '', canaries: [], against: [] };
  return { id, version, looksAt: 'numbers', runs, weight: 'suspect', ...words };
}

const CATALOGUE = [
  description('diff', 'change'),
  description('census', 'trial', 2),
  description('elsewhere', 'trial'),
  description('causality', 'judge'),
  description('kernels', 'judge'),
  description('plausible', 'experiment', 3),
  description('files', 'batch'),
];
const EXPECTED = ['census', 'causality'];

test('nothing has looked: all that can look is due, but not what looks at other tasks or at batches', () => {
  expect(staleAudits(CATALOGUE, {}, EXPECTED)).toEqual({
    change: ['diff'],
    trials: ['census', 'causality'],
    numbers: ['plausible'],
  });
});

test('only what has another version is due', () => {
  const looked = { diff: 1, census: 1, causality: 1, plausible: 3 };
  expect(staleAudits(CATALOGUE, looked, EXPECTED)).toEqual({ change: [], trials: ['census'], numbers: [] });
  expect(isNothingStale(staleAudits(CATALOGUE, { ...looked, census: 2 }, EXPECTED))).toBe(true);
});

test('an older version is due as well as a newer one: what looked is not what would look now', () => {
  const looked = { diff: 2, census: 2, causality: 1, plausible: 3 };
  expect(staleAudits(CATALOGUE, looked, EXPECTED).change).toEqual(['diff']);
});

test('what reported before is due again though nothing asks for it', () => {
  expect(staleAudits(CATALOGUE, { kernels: 0 }, EXPECTED).trials).toEqual(['census', 'causality', 'kernels']);
});

test('all means all', () => {
  const looked = { diff: 1, census: 2, causality: 1, plausible: 3 };
  expect(staleAudits(CATALOGUE, looked, EXPECTED, { all: true })).toEqual({
    change: ['diff'],
    trials: ['census', 'causality'],
    numbers: ['plausible'],
  });
});
