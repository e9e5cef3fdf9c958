import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { STATIC_AUDITS } from '../catalogue/static-audits.ts';
import { auditChange } from './audit-change.ts';
import { isSameC, readCTokens } from './c-tokens.ts';
import { changeOf, KERNEL, PROGRAM, PYTHON, RULES, saidBy } from './change.fixture.ts';
import { lookAtPython } from './python-reader.ts';
import { skeletonOf } from './look-alikes.ts';

const IDS = STATIC_AUDITS.map(({ id }) => id);

/** Text that looks like code often enough to get past the first line of a parser. */
const codeLike = fc
  .array(
    fc.oneof(
      fc.string({ unit: 'binary', maxLength: 8 }),
      fc.constantFrom(
        'import ',
        'os',
        '\n',
        '    ',
        '(',
        ')',
        '"',
        "'''",
        '"""',
        '#',
        '\\',
        '/*',
        '*/',
        '//',
        'R"x(',
        '.',
        '= ',

        'getattr(',
        '"a" + "b"',
        'f"{',
        '}',
        'def f():',
        '\n  return ',
        'lambda: ',
        'x[0]',
        '##',
        '#define ',
        '\0',
        '\r',

        'constructor',
        '__proto__',
        'toString',
        '∞',
        '\ud800',
        '9**9**9',
        '"%999999999d" % 1',
        '"a" * 10**9',
        'class A(A): ',
      ),
    ),
    { maxLength: 40 },
  )
  .map((parts) => parts.join(''));

describe('no input crashes an audit', () => {
  test.each(['train.py', 'kernels.c', 'notes.txt'])('of %s', async (file) => {
    await fc.assert(
      fc.asyncProperty(codeLike, codeLike, async (before, after) => {
        const changes = [{ path: file, before: Buffer.from(before), after: Buffer.from(after) }];
        const reports = await auditChange({ ...changeOf({}), changes });
        expect(reports.map(({ audit }) => audit)).toEqual(IDS);
        for (const { detail } of reports) expect(detail).not.toMatch(/no answer|the parser ended/);
      }),
      { numRuns: 150 },
    );
  });

  test('whatever the bytes and whatever the path', async () => {
    await fc.assert(
      fc.asyncProperty(fc.string({ unit: 'binary' }), fc.uint8Array({ maxLength: 300 }), async (name, after) => {
        const reports = await auditChange({ ...changeOf({}), changes: [{ path: name, after }] });
        expect(reports.map(({ audit }) => audit)).toEqual(IDS);
        for (const { detail } of reports) expect(detail).toMatch(/^[^\p{Cc}]*$/u);
      }),
      { numRuns: 150 },
    );
  });

  test('tokens of C lose nothing but comments and layout', () => {
    fc.assert(
      fc.property(codeLike, (text) => {
        expect(readCTokens(text).isWhole).toBe(true);
        expect(isSameC(text, text)).not.toBe(false);
      }),
    );
  });

  test('a skeleton is its own skeleton', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme' }), (text) => {
        expect(skeletonOf(skeletonOf(text))).toBe(skeletonOf(text));
      }),
    );
  });
});

describe('files that are meant to break a parser', () => {
  const hostile: readonly [string, string][] = [
    ['no Python', 'def f(:\n'],
    ['deep brackets', '('.repeat(5000) + ')'.repeat(5000)],
    ['deep signs', `${'-'.repeat(100_000)}1`],
    ['a deep chain', `x${'.a'.repeat(50_000)}`],
    ['a long sum', `x = ${'"a" + '.repeat(20_000)}"b"`],
    ['deep indents', Array.from({ length: 150 }, (_, depth) => `${' '.repeat(depth)}if x:`).join('\n')],
    ['a number of many digits', `x = ${'9'.repeat(10_000)}`],
    ['many statements', 'a=1\n'.repeat(120_000)],
    ['a text that explodes', 'x = "a" * 10**10\ny = f"{x}{x}"\ngetattr(os, x * 99)\nopen("%999999999d" % 1)\n'],
    ['a name that grows', `x = x.y\n${'x = x + x\n'.repeat(100)}getattr(os, x)`],
    ['a lone surrogate', 'x = "\\ud800"\nopen("/proc/\\udfff")\n'],
    ['a NUL in a text', 'x = "\\0"'],
  ];

  test.each(hostile)('%s', async (_, text) => {
    const rules = { ...RULES, maxDiffBytes: 1e9 };
    const started = performance.now();
    const reports = await auditChange(changeOf({ 'train.py': text }, { rules }));
    expect(reports.map(({ audit }) => audit)).toEqual(IDS);
    expect(performance.now() - started).toBeLessThan(6_000);
    // The next file is read as ever.
    expect((await saidBy('forbidden-names', { 'train.py': 'import socket\n' })).detail).toContain('socket');
  });

  test('what does not parse is said, and is no reason to pass in silence', async () => {
    const said = await saidBy('forbidden-names', { 'train.py': 'import socket\ndef f(:\n' });
    expect(said).toMatchObject({
      finding: 'noted',
      detail: expect.stringMatching(/does not parse as Python 3\.\d+.*not looked at/),
    });
    expect((await saidBy('silent-knob', { 'train.py': 'def f(:\n' })).finding).toBe('passed');
  });

  test('what is too large is said', async () => {
    const rules = { ...RULES, maxDiffBytes: 1e9 };
    const said = await saidBy('forbidden-names', { 'train.py': '#\n'.repeat(600_000) }, { rules });
    expect(said).toMatchObject({ finding: 'noted', detail: expect.stringContaining('not looked at') });
  });

  test('a parser that is not there, hangs or talks nonsense is said as well', async () => {
    const files = [{ path: 'train.py', after: PROGRAM }];
    expect(await lookAtPython('/nonexistent/python', files, [])).toMatchObject({ kind: 'unread' });
    expect(await lookAtPython('/bin/true', files, [])).toMatchObject({ kind: 'unread' });
    expect(await lookAtPython('/bin/echo', files, [])).toMatchObject({ kind: 'unread' });
    const folder = await mkdtemp(path.join(tmpdir(), 'assay-reader-'));
    const sleeper = path.join(folder, 'python');
    await writeFile(sleeper, '#!/bin/sh\nexec sleep 60\n', { mode: 0o755 });
    const late = await lookAtPython(sleeper, files, [], 200);
    await rm(folder, { recursive: true });
    expect(late).toEqual({ kind: 'unread', reason: 'no answer in 200 ms' });
    expect(await lookAtPython(PYTHON, files, [])).toMatchObject({ kind: 'read' });
    const said = await saidBy('forbidden-names', { 'train.py': 'import socket' }, { python: '/nonexistent/python' });
    expect(said).toMatchObject({ finding: 'noted', detail: expect.stringContaining('not looked at') });
  });

  test('questions that come at once are answered each', async () => {
    const names = ['socket', 'ctypes', 'atexit', 'marshal', 'pty', 'threading'];
    const answers = await Promise.all(
      names.map((name) => saidBy('forbidden-names', { 'train.py': `import ${name}\n` })),
    );
    expect(answers.map(({ detail }, index) => detail.includes(names[index] ?? '?'))).toEqual(names.map(() => true));
  });
});

test('a file of 2,000 lines takes less than 200 ms', async () => {
  // Of processor time, which holds on a busy machine; a test of python/tests measures what the parser's process adds.
  const long = (text: string): string =>
    Array.from({ length: Math.ceil(2000 / text.split('\n').length) }, () => text).join('\n');
  const rules = { ...RULES, maxDiffBytes: 1e9 };
  for (const [file, text] of [
    ['train.py', PROGRAM],
    ['kernels.c', KERNEL],
  ] as const) {
    // As in a campaign: many children of one parent.
    const before = long(text);
    expect(before.split('\n').length).toBeGreaterThanOrEqual(2000);
    const times: number[] = [];
    for (let run = 0; run < 5; run += 1) {
      const after = `${before}\n${file === 'train.py' ? 'X =' : 'int x ='} ${run};\n`;
      const started = process.cpuUsage();
      const changes = [{ path: file, before: Buffer.from(before), after: Buffer.from(after) }];
      await auditChange({ ...changeOf({}, { rules }), changes });
      const { user, system } = process.cpuUsage(started);
      times.push((user + system) / 1000);
    }
    expect(Math.min(...times)).toBeLessThan(200);
  }
});
