import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { parseResult, readResult } from './read-result.ts';

let folder: string;
beforeEach(() => void (folder = mkdtempSync(join(tmpdir(), 'assay-result-'))));
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const good = { metric: 'm', value: 1.5, metrics: { a: 2 }, checks: [{ id: 'c', ok: true, detail: 'd' }], valid: true };

test('a result is read, with the keys we do not know left out', () => {
  expect(parseResult(Buffer.from(JSON.stringify({ ...good, judge_seconds: 3 })))).toEqual({
    kind: 'valid',
    metric: 'm',
    value: 1.5,
    metrics: good.metrics,
    checks: good.checks,
  });
  const refusal = {
    valid: false,
    failure: 'invalid-metric',
    reason: 'looks \u001b[31mahead',
    checks: [],
    suspected: true,
  };
  expect(parseResult(Buffer.from(JSON.stringify(refusal)))).toEqual({
    kind: 'refused',
    failure: 'invalid-metric',
    reason: 'looks ahead',
    checks: [],
    suspected: true,
  });
});

const UNUSABLE: [string, string, string][] = [
  ['nothing', '', 'not one JSON'],
  ['half a document', '{"valid":true,"metric"', 'not one JSON'],
  ['NaN', '{"valid":true,"metric":"m","value":NaN}', 'not one JSON'],
  ['infinity', '{"valid":true,"metric":"m","value":Infinity}', 'not one JSON'],
  ['a number that overflows', '{"valid":true,"metric":"m","value":1e999}', 'value'],
  ['another number that overflows', '{"valid":true,"metric":"m","value":1,"metrics":{"a":-1e999}}', 'metrics.a'],
  ['null', '{"valid":true,"metric":"m","value":null}', 'value'],
  ['a text', '{"valid":true,"metric":"m","value":"1"}', 'value'],
  ['no value', '{"valid":true,"metric":"m"}', 'value'],
  ['no metric', '{"valid":true,"value":1}', 'metric'],
  ['no word on validity', '{"metric":"m","value":1}', 'valid'],
  ['two documents', `${JSON.stringify(good)}\n${JSON.stringify(good)}`, 'not one JSON'],
  ['a value given twice', '{"valid":true,"metric":"m","value":9,"value":1}', "'value' twice"],
  ['a key given twice in other letters', '{"valid":true,"metric":"m","value":9,"v\\u0061lue":1}', "'value' twice"],
  ['an inner key given twice', '{"valid":true,"metric":"m","value":9,"metrics":{"a":1,"a":2}}', "'a' twice"],
  ['a failure we do not know', '{"valid":false,"failure":"lost","reason":"x"}', 'failure'],
  ['a failure without a reason', '{"valid":false,"failure":"crash","reason":""}', 'reason'],
  ['a list', '[]', 'well formed'],
];

test.each(UNUSABLE)('%s is no result', (_, text, words) => {
  const result = parseResult(Buffer.from(text));
  expect(result).toMatchObject({ kind: 'unusable' });
  expect(result.kind === 'unusable' && result.reason).toContain(words);
});

test('only one plain file of a bounded size is read', async () => {
  const place = (name: string) => join(folder, name);
  const reason = async (inside: string) => {
    const result = await readResult(place(inside));
    return result.kind === 'unusable' ? result.reason : result.kind;
  };
  for (const name of ['link', 'pipe', 'folder', 'large', 'two', 'good']) mkdirSync(place(name));
  writeFileSync(place('elsewhere.json'), JSON.stringify(good));
  symlinkSync(place('elsewhere.json'), place('link/result.json'));
  execFileSync('mkfifo', [place('pipe/result.json')]);
  mkdirSync(place('folder/result.json'));
  writeFileSync(place('large/result.json'), JSON.stringify({ ...good, filler: 'x'.repeat(1 << 20) }));
  for (const file of ['two/result.json', 'two/result-2.JSON', 'good/result.json', 'good/notes.txt'])
    writeFileSync(place(file), JSON.stringify(good));
  expect(await reason('link')).toContain('link');
  expect(await reason('pipe')).toContain('plain file');
  expect(await reason('folder')).toContain('plain file');
  expect(await reason('large')).toContain('more than 1048576');
  expect(await reason('two')).toContain('more than one result');
  expect(await reason('missing')).toBe('no result was written');
  expect(await reason('good')).toBe('valid');
});

test('no bytes make it throw or give a value that is not finite', () => {
  const numbers = fc.constantFrom(
    '1',
    '-0',
    'NaN',
    'Infinity',
    '-Infinity',
    '1e999',
    '"1"',
    'null',
    '{}',
    '1,"value":2',
  );
  const near = fc
    .tuple(numbers, numbers, fc.string({ maxLength: 6 }))
    .map(([value, other, tail]) => `{"valid":true,"metric":"m","value":${value},"metrics":{"a":${other}}}${tail}`);
  const bytes = fc.oneof(
    near.map((text) => Buffer.from(text)),
    fc.json().map((text) => Buffer.from(text)),
    fc.uint8Array({ maxLength: 200 }),
  );
  fc.assert(
    fc.property(bytes, (content) => {
      const result = parseResult(content);
      if (result.kind !== 'valid') return;
      expect([result.value, ...Object.values(result.metrics)].every(Number.isFinite)).toBe(true);
    }),
    { numRuns: 1000 },
  );
});
