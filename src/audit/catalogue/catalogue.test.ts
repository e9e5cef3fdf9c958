import { expect, test } from 'vitest';
import { loadFragments } from '../red-team/load-fragments.ts';
import { CATALOGUE, decides, OPTIONAL_AUDITS } from './catalogue.ts';

const fragments = await loadFragments();
const exploits = fragments.filter(({ kind }) => kind === 'exploit');
const audits = [...CATALOGUE.values()];

test('every exploit expects audits that there are', () => {
  const unknown = exploits.flatMap(({ id, expects }) =>
    expects.filter((audit) => !CATALOGUE.has(audit)).map((audit) => `${id} expects ${audit}`),
  );
  expect(unknown).toEqual([]);
});

test('the canaries of an audit are exploits that expect it', () => {
  const wrong = audits.flatMap(({ id, canaries }) =>
    canaries
      .filter((canary) => !exploits.some((one) => one.id === canary && one.expects.includes(id)))
      .map((canary) => `${id}: ${canary}`),
  );
  expect(wrong).toEqual([]);
});

test('an audit that decides has an exploit that shows that it works, or says why there can be none', () => {
  const untested = audits
    .filter(({ id }) => decides(id))
    .filter(({ id, untestedBecause }) => !untestedBecause && !exploits.some(({ expects }) => expects.includes(id)));
  expect(untested.map(({ id }) => id)).toEqual([]);
});

test('every description says what it costs and what its heartbeat is', () => {
  const bare = [...audits, ...OPTIONAL_AUDITS].filter(
    ({ title, cost, heartbeat, version }) => title === '' || cost === '' || heartbeat === '' || version < 1,
  );
  expect(bare).toEqual([]);
});

test('the collection is as large as it is said to be', () => {
  const of = (kind: string, language: string): number =>
    fragments.filter((one) => one.kind === kind && one.language === language).length;
  expect(of('exploit', 'python') + of('exploit', 'c')).toBeGreaterThanOrEqual(120);
  expect(of('control', 'python') + of('control', 'c')).toBeGreaterThanOrEqual(60);
});
