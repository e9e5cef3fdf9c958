import fc from 'fast-check';
import { expect, test } from 'vitest';
import { mergeHunks } from './merge-hunks.ts';
import { temporaryRepository } from './temporary-repository.fixture.ts';

const lines = (...values: (string | number)[]) => values.map((value) => `${value}\n`).join('');
const base = lines(1, 2, 3, 4, 5, 6, 7, 8);

const CASES: [string, { base: string; ours: string; theirs: string; merged: string | undefined; how?: string[] }][] = [
  [
    'apart',
    {
      base,
      ours: lines('A', 2, 3, 4, 5, 6, 7, 8),
      theirs: lines(1, 2, 3, 4, 5, 6, 7, 'B'),
      merged: lines('A', 2, 3, 4, 5, 6, 7, 'B'),
    },
  ],
  [
    'adjacent lines',
    {
      base,
      ours: lines(1, 2, 'A', 4, 5, 6, 7, 8),
      theirs: lines(1, 2, 3, 'B', 5, 6, 7, 8),
      merged: lines(1, 2, 'A', 'B', 5, 6, 7, 8),
      how: ['adjacent'],
    },
  ],
  [
    'a removal beside a change',
    {
      base,
      ours: lines(1, 2, 4, 5, 6, 7, 8),
      theirs: lines(1, 2, 3, 'B', 5, 6, 7, 8),
      merged: lines(1, 2, 'B', 5, 6, 7, 8),
      how: ['adjacent'],
    },
  ],
  [
    'lines put in beside a change',
    {
      base,
      ours: lines(1, 2, 'new', 3, 4, 5, 6, 7, 8),
      theirs: lines(1, 2, 'B', 4, 5, 6, 7, 8),
      merged: lines(1, 2, 'new', 'B', 4, 5, 6, 7, 8),
      how: ['adjacent'],
    },
  ],
  [
    'both put lines in at one place',
    {
      base,
      ours: lines(1, 2, 'b', 3, 4, 5, 6, 7, 8),
      theirs: lines(1, 2, 'a', 3, 4, 5, 6, 7, 8),
      merged: lines(1, 2, 'a', 'b', 3, 4, 5, 6, 7, 8),
      how: ['both-inserted'],
    },
  ],
  ['both append, without a last newline', { base: '1', ours: '1\nours', theirs: '1\ntheirs', merged: undefined }],
  [
    'both append',
    { base: '1\n', ours: '1\nours', theirs: '1\ntheirs', merged: '1\nours\ntheirs', how: ['both-inserted'] },
  ],
  [
    'the same change and another one beside it',
    {
      base,
      ours: lines(1, 'X', 3, 4, 5, 6, 7, 8),
      theirs: lines(1, 'X', 3, 'B', 5, 6, 7, 8),
      merged: lines(1, 'X', 3, 'B', 5, 6, 7, 8),
    },
  ],
  [
    'the same line, differently',
    { base, ours: lines(1, 'A', 3, 4, 5, 6, 7, 8), theirs: lines(1, 'B', 3, 4, 5, 6, 7, 8), merged: undefined },
  ],
  [
    'lines put in where the other removed',
    { base, ours: lines(1, 2, 3, 'new', 4, 5, 6, 7, 8), theirs: lines(1, 2, 5, 6, 7, 8), merged: undefined },
  ],
  [
    'one place adjacent, another in conflict',
    { base, ours: lines('A', 2, 3, 4, 5, 6, 'x', 8), theirs: lines(1, 'B', 3, 4, 5, 6, 'y', 8), merged: undefined },
  ],
];

test.each(CASES)('merging %s', async (_, { base: common, ours, theirs, merged, how }) => {
  await using temporary = await temporaryRepository();
  const { repository } = temporary;
  const root = await temporary.commit({ f: common, other: 'o' });
  const [a, b] = [await temporary.change(root, { f: ours }), await temporary.change(root, { f: theirs })];
  const result = await repository.merge(a, b, { message: 'combined', at: 0 });
  const reverse = await repository.mergeTree(b, a);
  expect(reverse.kind).toBe(result.kind);
  if (result.kind === 'conflict') {
    expect(merged).toBeUndefined();
    expect(result.files).toMatchObject([{ path: 'f' }]);
    expect(result.files[0]?.reason).toMatch(/both sides changed lines? /);
    return;
  }
  expect((await repository.readFile(result.candidate, 'f'))?.toString()).toBe(merged);
  expect(result.resolved.map((place) => place.how)).toEqual(how ?? []);
  expect(await repository.parents(result.candidate)).toEqual([a, b]);
  if (reverse.kind === 'clean') expect(reverse.tree).toBe(result.tree);
  expect(temporary.fsck()).toBe('');
});

test('what is no change of text on both sides is a conflict in words', async () => {
  await using temporary = await temporaryRepository();
  const root = await temporary.commit({ f: base, bin: Buffer.from([0, 1]), g: 'g\n' });
  const cases = [
    [{ f: null }, { f: lines('A', 2, 3, 4, 5, 6, 7, 8) }, 'removed (or renamed) by ours'],
    [{ f: lines('A', 2, 3, 4, 5, 6, 7, 8) }, { f: null }, 'changed by ours'],
    [{ new: 'a' }, { new: 'b' }, 'both sides added'],
    [{ bin: Buffer.from([0, 2]) }, { bin: Buffer.from([0, 3]) }, 'binary'],
  ] as const;
  for (const [ours, theirs, words] of cases) {
    const merged = await temporary.repository.mergeTree(
      await temporary.change(root, ours),
      await temporary.change(root, theirs),
    );
    if (merged.kind === 'clean') throw new Error(`merged ${words}`);
    expect(merged.files[0]?.reason).toContain(words);
  }
});

test('a conflict quotes the three versions', async () => {
  await using temporary = await temporaryRepository();
  const root = await temporary.commit({ f: base });
  const [a, b] = [
    await temporary.change(root, { f: base.replace('4', 'A') }),
    await temporary.change(root, { f: base.replace('4', 'B') }),
  ];
  const merged = await temporary.repository.mergeTree(a, b);
  expect(merged).toMatchObject({
    kind: 'conflict',
    files: [
      {
        path: 'f',
        reason: 'both sides changed line 4 of the common version',
        hunks: [{ firstLine: 4, lastLine: 4, base: '4\n', ours: 'A\n', theirs: 'B\n' }],
      },
    ],
  });
});

test('merging an ancestor or the same change combines nothing, and says so', async () => {
  await using temporary = await temporaryRepository();
  const root = await temporary.commit({ f: base });
  const child = await temporary.change(root, { f: lines(9) });
  expect(await temporary.repository.mergeTree(child, root)).toMatchObject({ kind: 'clean', equals: 'ours' });
  expect(await temporary.repository.mergeTree(root, child)).toMatchObject({ kind: 'clean', equals: 'theirs' });
});

test('changes of different lines always merge to both, whichever side is called ours', () => {
  const line = fc.constantFrom('keep', 'ours', 'theirs');
  fc.assert(
    fc.property(fc.array(line, { minLength: 1, maxLength: 30 }), (owners) => {
      const version = (side: string) =>
        owners.map((owner, index) =>
          owner === side || (side === 'both' && owner !== 'keep') ? `${owner}-${index}\n` : `${index}\n`,
        );
      const side = (name: string) => ({
        text: Buffer.from(version(name).join('')),
        hunks: owners.flatMap((owner, index) =>
          owner === name ? [{ start: index, end: index + 1, replacement: { start: index, end: index + 1 } }] : [],
        ),
      });
      const text = Buffer.from(version('none').join(''));
      const [ours, theirs] = [side('ours'), side('theirs')];
      const merged = mergeHunks({ base: text, ours, theirs });
      expect(merged.kind === 'merged' && merged.text.toString()).toBe(version('both').join(''));
      expect(mergeHunks({ base: text, ours: theirs, theirs: ours })).toEqual(merged);
    }),
  );
});
