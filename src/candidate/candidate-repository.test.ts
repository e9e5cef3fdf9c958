import { existsSync, readFileSync, readdirSync, statSync, symlinkSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { experimentId } from '../domain/ids.ts';
import { openCandidateRepository } from './candidate-repository.ts';
import { temporaryRepository } from './temporary-repository.fixture.ts';

const at = 1_700_000_000_000;

test('the same files, parents and words give the same hash, and git agrees with every object', async () => {
  await using one = await temporaryRepository();
  await using two = await temporaryRepository();
  const files = { 'train.py': 'x = 1\n', 'lib/deep/er.py': '', 'lib.py': 'y', 'lib-a': 'z' };
  const first = await one.commit(files);
  expect(await two.commit(files)).toBe(first);
  const second = await one.change(first, { 'train.py': 'x = 2\n', 'lib/deep/er.py': null });
  expect(one.fsck()).toBe('');
  expect(one.git('ls-tree', '-r', '--name-only', second).split('\n')).toEqual(['lib-a', 'lib.py', 'train.py', '']);
  expect(await one.repository.show(second)).toEqual({
    candidate: second,
    tree: await one.repository.treeOf(second),
    parents: [first],
    message: 'a change',
    at,
  });
  expect((await one.repository.log(second)).map((commit) => commit.candidate)).toEqual([second, first]);
});

test('binary files, files that are not UTF-8 and unusual names come back byte for byte', async () => {
  await using temporary = await temporaryRepository();
  const files: Record<string, Buffer> = {
    'a b.bin': Buffer.from([0, 255, 10, 13, 0]),
    latin1: Buffer.from([0xe9, 10]),
    '-rf': Buffer.from('dash'),
    '日本/ünïcode "quoted".py': Buffer.from('x'),
    'new\nline\ttab': Buffer.from('y'),
    'back\\slash': Buffer.from('z'),
    empty: Buffer.alloc(0),
    large: Buffer.alloc(3_000_000),
  };
  const candidate = await temporary.commit(files);
  expect(temporary.fsck()).toBe('');
  expect(Object.fromEntries(await temporary.repository.readFiles(candidate))).toEqual(files);
  await using fresh = await openCandidateRepository(temporary.repository.directory);
  await fresh.maintain({ looseObjects: 0 });
  await using packed = await openCandidateRepository(temporary.repository.directory);
  expect(Object.fromEntries(await packed.readFiles(candidate))).toEqual(files);
  const other = await temporary.change(candidate, {
    latin1: Buffer.from([0xe8, 10]),
    'new\nline\ttab': 'yy\n',
    large: null,
  });
  const stat = await temporary.repository.diffStat(candidate, other);
  expect(stat).toMatchObject({ filesChanged: 3, linesAdded: 2, linesRemoved: 2 });
  expect(stat.files.find((file) => file.path === 'large')?.added).toBeUndefined();
  const applied = await temporary.repository.applyDiff(
    candidate,
    await temporary.repository.exportPatch(candidate, other),
  );
  if (applied.kind !== 'applied') throw new Error(applied.reason);
  const again = await temporary.repository.commitChange({
    parent: candidate,
    changes: applied.changes,
    message: 'a change',
    at,
  });
  expect(again).toBe(other);
});

test.each([
  ['', 'empty'],
  ['/etc/passwd', 'absolute'],
  ['../up', 'outside'],
  ['a/../b', 'outside'],
  ['a//b', 'empty part'],
  ['./a', 'empty part'],
  ['.git/hooks/x', 'own folder'],
  ['a/.GIT/x', 'own folder'],
  ['git~1', 'own folder'],
  ['.git ./x', 'own folder'],
  ['.g\u200cit', 'own folder'],
  ['a\\.git\\x', 'own folder'],
  ['.gitmodules', 'submodules'],
  ['a\0b', 'NUL'],
  ['\ud800', 'Unicode'],
  ['x'.repeat(256), '255'],
])('the path %j is refused', async (path, word) => {
  await using temporary = await temporaryRepository();
  await expect(temporary.commit({ [path]: 'x' })).rejects.toThrow(word);
});

test('a path that is a file and a folder, or is removed without being there, is refused; a swap is not', async () => {
  await using temporary = await temporaryRepository();
  await expect(temporary.commit({ a: '1', 'a/b': '2' })).rejects.toThrow('folder');
  const base = await temporary.commit({ a: '1', 'd/x': '2' });
  await expect(temporary.change(base, { 'a/b': '2' })).rejects.toThrow('nothing can be put below');
  await expect(temporary.change(base, { gone: null })).rejects.toThrow('not there');
  await expect(temporary.change(base, { d: 'x' })).rejects.toThrow('folder');
  const swapped = await temporary.change(base, { a: null, 'a/b': '1', 'd/x': null, d: '2' });
  expect([...(await temporary.repository.readFiles(swapped)).keys()]).toEqual(['a/b', 'd']);
  const empty = await temporary.change(base, { a: null, 'd/x': null });
  expect(await temporary.repository.list(empty)).toEqual([]);
  expect(temporary.fsck()).toBe('');
});

test('a checkout holds the chosen files and no way back, and follows no link', async () => {
  await using temporary = await temporaryRepository();
  const { repository, folder } = temporary;
  const candidate = await repository.commit({
    files: new Map([
      ['run.sh', '#!/bin/sh\n'],
      ['src/a.py', 'a'],
      ['notes', 'n'],
    ]),
    executable: new Set(['run.sh']),
    message: 'm',
    at,
  });
  const out = join(folder, 'out');
  await repository.checkout(candidate, out, { only: (path) => path !== 'notes' });
  expect(
    readdirSync(out, { recursive: true, encoding: 'utf8' }).toSorted((left, right) => (left < right ? -1 : 1)),
  ).toEqual(['run.sh', 'src', 'src/a.py']);
  expect(statSync(join(out, 'run.sh')).mode & 0o777).toBe(0o755);
  expect(statSync(join(out, 'src/a.py')).mode & 0o777).toBe(0o644);
  const changed = await temporary.change(candidate, { 'run.sh': 'x' });
  expect((await repository.list(changed)).find((file) => file.path === 'run.sh')?.mode).toBe('100755');
  const trap = join(folder, 'trap');
  mkdirSync(trap);
  symlinkSync(join(folder, 'target'), join(trap, 'run.sh'));
  await expect(repository.checkout(candidate, trap)).rejects.toThrow('EEXIST');
  expect(existsSync(join(folder, 'target'))).toBe(false);
});

test('every experiment keeps its candidate, before and after packing, also while commits go on', async () => {
  await using temporary = await temporaryRepository();
  const { repository } = temporary;
  let parent = await repository.commit({
    files: new Map([['f', '0\n']]),
    message: '0',
    at,
    experiment: experimentId(0),
  });
  const made = [parent];
  const commits = (async () => {
    for (let number = 1; number <= 150; number++) {
      parent = await repository.commitChange({
        parent,
        changes: new Map([['f', `${number}\n`]]),
        message: `${number}`,
        at,
        experiment: experimentId(number),
      });
      made.push(parent);
    }
  })();
  for (let round = 0; round < 3; round++) await repository.maintain({ looseObjects: 0 });
  await commits;
  expect((await repository.maintain({ looseObjects: 0 })).packed).toBe(true);
  expect(temporary.fsck()).toBe('');
  expect(readFileSync(join(repository.directory, 'packed-refs'), 'utf8').match(/refs\/candidates/g)).toHaveLength(151);
  await using fresh = await openCandidateRepository(repository.directory);
  for (const number of [0, 75, 150]) expect(await fresh.find(experimentId(number))).toBe(made[number]);
  expect(await fresh.find(experimentId(999))).toBeUndefined();
  expect((await fresh.log(parent)).length).toBe(151);
});

test('3,000 commits do not slow down', { timeout: 60_000 }, async () => {
  await using temporary = await temporaryRepository();
  const { repository } = temporary;
  const parent = await temporary.commit({ 'train.py': 'x = 0\n', 'b.py': '' });
  const milliseconds: number[] = [];
  for (let number = 1; number <= 3000; number++) {
    const started = performance.now();
    await repository.commitChange({
      parent,
      changes: new Map([['train.py', `x = ${number}\n`]]),
      message: 'm',
      at,
      experiment: experimentId(number),
    });
    milliseconds.push(performance.now() - started);
  }
  const median = (values: number[]) => values.toSorted((left, right) => left - right)[values.length >> 1] as number;
  // The middle of either end, so that another program on this machine does not decide.
  expect(median(milliseconds.slice(-100)) / median(milliseconds.slice(0, 100))).toBeLessThan(1.5);
});

test('a folder that is no repository of ours is refused with a hint', async () => {
  await using temporary = await temporaryRepository();
  const directory = join(temporary.folder, 'sha256.git');
  temporary.git('init', '-q', '--bare', '--object-format=sha256', directory);
  const isUsable = openCandidateRepository(directory);
  await expect(isUsable).rejects.toMatchObject({ code: 'repository-unusable' });
});
