import { existsSync, readdirSync } from 'node:fs';
import { expect, test } from 'vitest';
import { temporaryRepository } from './temporary-repository.fixture.ts';

const text = Array.from({ length: 12 }, (_, index) => `line ${index + 1}\n`).join('');

function hunk(path: string, from: string, to: string, header = '@@ -5,3 +5,3 @@'): string {
  return `--- a/${path}\n+++ b/${path}\n${header}\n line 5\n-${from}\n+${to}\n line 7\n`;
}

const applied: [string, string, Record<string, string | null>][] = [
  ['a plain diff', hunk('f', 'line 6', 'six'), { f: text.replace('line 6', 'six') }],
  [
    'a diff without prefixes',
    hunk('f', 'line 6', 'six').replaceAll(/ [ab]\//g, ' '),
    { f: text.replace('line 6', 'six') },
  ],
  ['wrong line counts', hunk('f', 'line 6', 'six', '@@ -5,9 +5,7 @@'), { f: text.replace('line 6', 'six') }],
  ['a wrong line number', hunk('f', 'line 6', 'six', '@@ -2,3 +2,3 @@'), { f: text.replace('line 6', 'six') }],
  ['no newline at its end', hunk('f', 'line 6', 'six').trimEnd(), { f: text.replace('line 6', 'six') }],
  ['a new file', '--- /dev/null\n+++ b/new dir/n.py\n@@ -0,0 +1 @@\n+x\n', { 'new dir/n.py': 'x\n' }],
  [
    'a removed file',
    'diff --git a/g b/g\ndeleted file mode 100644\n--- a/g\n+++ /dev/null\n@@ -1 +0,0 @@\n-g\n',
    { g: null },
  ],
  ['a rename', 'diff --git a/g b/h\nsimilarity index 100%\nrename from g\nrename to h\n', { g: null, h: 'g\n' }],
];

test.each(applied)('%s applies', async (_, diff, changes) => {
  await using temporary = await temporaryRepository();
  const parent = await temporary.commit({ f: text, g: 'g\n' });
  const result = await temporary.repository.applyDiff(parent, diff);
  if (result.kind !== 'applied') throw new Error(result.reason);
  expect(Object.fromEntries([...result.changes].map(([path, content]) => [path, content?.toString() ?? null]))).toEqual(
    changes,
  );
});

const turnedBack: [string, string, 'conflict' | 'refused'][] = [
  ['a line that is not there', hunk('f', 'line 99', 'six'), 'conflict'],
  ['a file that is not there', hunk('missing', 'line 6', 'six'), 'conflict'],
  ['a file that is already there', '--- /dev/null\n+++ b/g\n@@ -0,0 +1 @@\n+x\n', 'conflict'],
  ['a path outside', '--- /dev/null\n+++ b/../evil\n@@ -0,0 +1 @@\n+x\n', 'refused'],
  ['an absolute path', '--- /dev/null\n+++ /etc/evil\n@@ -0,0 +1 @@\n+x\n', 'refused'],
  ["git's folder", '--- /dev/null\n+++ b/.git/hooks/x\n@@ -0,0 +1 @@\n+x\n', 'refused'],
  ["git's folder in capitals", '--- /dev/null\n+++ b/sub/.GIT/config\n@@ -0,0 +1 @@\n+x\n', 'refused'],
  [
    'a link',
    'diff --git a/l b/l\nnew file mode 120000\n--- /dev/null\n+++ b/l\n@@ -0,0 +1 @@\n+/etc/passwd\n\\ No newline at end of file\n',
    'refused',
  ],
  ['a link in place of a file', 'diff --git a/g b/g\nold mode 100644\nnew mode 120000\n', 'refused'],
  ['prose', 'I think we should raise the learning rate.\n', 'refused'],
  ['nothing', '', 'refused'],
];

test.each(turnedBack)('%s does not apply', async (_, diff, kind) => {
  await using temporary = await temporaryRepository();
  const parent = await temporary.commit({ f: text, g: 'g\n' });
  const result = await temporary.repository.applyDiff(parent, diff);
  expect(result.kind).toBe(kind);
  expect(result.kind !== 'applied' && result.reason).not.toBe('');
});

test('a diff against another version merges three-way, and a real conflict is one', async () => {
  await using temporary = await temporaryRepository();
  const { repository } = temporary;
  const base = await temporary.commit({ f: text });
  const wanted = await repository.exportPatch(
    base,
    await temporary.change(base, { f: text.replace('line 3\n', 'three\n') }),
  );
  const moved = await temporary.change(base, { f: text.replace('line 6\n', 'six\n') });
  const merged = await repository.applyDiff(moved, wanted);
  if (merged.kind !== 'applied') throw new Error(merged.reason);
  expect(merged.changes.get('f')?.toString()).toBe(text.replace('line 6\n', 'six\n').replace('line 3\n', 'three\n'));
  const clash = await temporary.change(base, { f: text.replace('line 3\n', 'drei\n') });
  expect(await repository.applyDiff(clash, wanted)).toMatchObject({ kind: 'conflict', files: ['f'] });
});

test('an exported patch is taken by git itself', async () => {
  await using temporary = await temporaryRepository();
  const { repository } = temporary;
  const from = await temporary.commit({ f: text, bin: Buffer.from([0, 1, 2]) });
  const to = await temporary.change(from, {
    f: text.replace('line 3', 'drei'),
    bin: Buffer.from([0, 9]),
    'sub dir/é': 'x',
  });
  expect(await repository.diff(from, to, { stat: true })).toContain('1\t1\tf\n');
  const again = await repository.applyDiff(from, await repository.exportPatch(from, to));
  if (again.kind !== 'applied') throw new Error(again.reason);
  expect(
    await repository.commitChange({ parent: from, changes: again.changes, message: 'a change', at: 1_700_000_000_000 }),
  ).toBe(to);
});

test('an existing file that a diff means to add is written nowhere', async () => {
  await using temporary = await temporaryRepository();
  const name = `assay-apply-${process.pid}`;
  const parent = await temporary.commit({ [name]: 'g\n' });
  const before = readdirSync(temporary.repository.directory);
  const result = await temporary.repository.applyDiff(parent, `--- /dev/null\n+++ b/${name}\n@@ -0,0 +1 @@\n+x\n`);
  expect(result.kind).toBe('conflict');
  expect(existsSync(name)).toBe(false);
  expect(readdirSync(temporary.repository.directory)).toEqual(before);
});
