import { execFileSync } from 'node:child_process';
import {
  chmodSync,
  closeSync,
  existsSync,
  linkSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  unlinkSync,
  utimesSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { checkTree, type TreeCheck } from './check-tree.ts';
import { readEntry } from './tree-entry.ts';
import { takeManifest, type TreeManifest } from './tree-manifest.ts';

const PYTHON = '/usr/bin/python3';
const NONE: ReadonlySet<string> = new Set();

let folder: string;
let packages: string;
let manifest: TreeManifest;

beforeEach(async () => {
  folder = mkdtempSync(path.join(tmpdir(), 'assay-tree-'));
  chmodSync(folder, 0o755);
  packages = path.join(folder, 'packages');
  mkdirSync(path.join(packages, 'numbers_'), { recursive: true });
  writeFileSync(at('plain.py'), 'VALUE = 1\n');
  writeFileSync(at('numbers_/__init__.py'), 'def add(a, b):\n    return a + b\n');
  writeFileSync(at('data.bin'), Buffer.alloc(9 * 2 ** 20, 7));
  symlinkSync('plain.py', at('link.py'));
  manifest = await takeManifest([packages, path.join(folder, 'late.zip')], NONE);
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

function at(name: string): string {
  return path.join(packages, name);
}

function check(sampled = 0): Promise<TreeCheck> {
  return checkTree(manifest, { python: PYTHON, except: NONE, sampled });
}

/** Changes one byte in its place and puts the times back. */
function changeByte(file: string, position = 0): void {
  const { atime, mtime } = statSync(file);
  const descriptor = openSync(file, 'r+');
  writeSync(descriptor, 'X', position);
  closeSync(descriptor);
  utimesSync(file, atime, mtime);
}

/** As if the kernel's own record of the change had been forged too: only the content tells. */
function forgeState(file: string): void {
  const entry = manifest.entries.get(file);
  if (entry === undefined) throw new Error(`${file} is not in the manifest`);
  manifest.entries.set(file, { ...entry, state: readEntry(file).state });
}

describe('a tree that nobody touched', () => {
  test('has no changes, and says what was looked at', async () => {
    const result = await check(100);
    expect(result.changes).toEqual([]);
    expect(result).toMatchObject({ readAgain: 0, sampled: 3 });
  });

  test('may be read, copied over with the same content, and touched', async () => {
    const text = readFileSync(at('plain.py'));
    writeFileSync(at('plain.py'), text);
    utimesSync(at('numbers_/__init__.py'), new Date(), new Date());
    linkSync(at('data.bin'), path.join(folder, 'second-name'));
    const result = await check();
    expect(result.changes).toEqual([]);
    expect(result.readAgain).toBe(3);
    expect((await check()).readAgain).toBe(0);
  });
});

const ATTACKS: Readonly<Record<string, readonly [attack: () => void, expected: RegExp]>> = {
  'one byte is changed and the times are put back': [() => changeByte(at('plain.py')), /^changed: .*plain\.py$/],
  'one byte of a large file is changed': [() => changeByte(at('data.bin'), 8_500_000), /^changed: .*data\.bin$/],
  'a file that runs at every start is added': [() => writeFileSync(at('x.pth'), 'import os\n'), /^added: .*x\.pth$/],
  'a package is added': [() => mkdirSync(at('numpy')), /^added: .*numpy$/],
  'something appears where nothing was': [
    () => writeFileSync(path.join(folder, 'late.zip'), 'PK'),
    /^added: .*late\.zip$/,
  ],
  'a file is removed': [() => unlinkSync(at('plain.py')), /^removed: .*plain\.py$/],
  'a folder is removed': [() => rmSync(at('numbers_'), { recursive: true }), /^removed: .*numbers_$/],
  'a link leads elsewhere': [
    () => {
      unlinkSync(at('link.py'));
      symlinkSync('data.bin', at('link.py'));
    },
    /^leads to data\.bin instead of plain\.py: .*link\.py$/,
  ],
  'a link takes the place of a file': [
    () => {
      renameSync(at('plain.py'), path.join(folder, 'moved.py'));
      symlinkSync('../moved.py', at('plain.py'));
    },
    /^a file became a link: .*plain\.py$/,
  ],
  'others may write a file': [() => chmodSync(at('plain.py'), 0o666), /^its rights were 644 .* are 666 .*plain\.py$/],
  'a file cannot be read any more': [() => chmodSync(at('plain.py'), 0), /^its rights were .*plain\.py$/],
  'a folder is open to all': [() => chmodSync(at('numbers_'), 0o777), /^its rights were 755 .*numbers_$/],
  'a module without source is put beside the others': [
    () => writeFileSync(at('extra.pyc'), 'x'),
    /^added: .*extra\.pyc$/,
  ],
};

test.each(Object.entries(ATTACKS))('it is seen when %s', async (_, [attack, expected]) => {
  attack();
  const { changes } = await check();
  expect(changes[0]).toMatch(expected);
  // It stays a change: nothing is taken over.
  expect((await check()).changes).toEqual(changes);
});

test.each(['plain.py', 'data.bin'])('a sample reads %s although its state was forged', async (name) => {
  changeByte(at(name), 5);
  forgeState(at(name));
  expect((await check(0)).changes).toEqual([]);
  const seen: string[] = [];
  // Of a large file one block of three is read each time.
  for (let turn = 0; turn < 60 && seen.length === 0; turn += 1) seen.push(...(await check(10)).changes);
  expect(seen).toEqual([`changed behind its time stamps: ${at(name)}`]);
});

test('a sample lists a folder although its state was forged', async () => {
  writeFileSync(at('x.pth'), 'import os\n');
  forgeState(packages);
  expect((await check(0)).changes).toEqual([]);
  expect((await check(10)).changes).toEqual([`added: ${at('x.pth')}`]);
});

describe('compiled files', () => {
  const run = (...words: string[]): void => {
    execFileSync(PYTHON, ['-S', ...words], { cwd: packages, env: { PATH: '/usr/bin:/bin', PYTHONPATH: packages } });
  };
  const compiledOf = (name: string): string =>
    execFileSync(PYTHON, ['-c', 'import sys, importlib.util as u; print(u.cache_from_source(sys.argv[1]))', at(name)], {
      encoding: 'utf8',
    }).trim();

  test("of the user's own runs are no change, and are taken into the manifest", async () => {
    const before = manifest.digest;
    run('-c', 'import plain, numbers_');
    run('-OO', '-c', 'import plain');
    expect(existsSync(compiledOf('plain.py'))).toBe(true);
    const result = await check();
    expect(result.changes).toEqual([]);
    expect(result).toMatchObject({ compiled: 3, isRefreshed: true });
    expect(await check(100)).toMatchObject({ changes: [], compiled: 0 });
    rmSync(path.dirname(compiledOf('plain.py')), { recursive: true });
    expect((await check()).changes).toEqual([]);
    expect((await takeManifest([packages], NONE)).digest).toBe(before);
  });

  test('are vouched for where no other user can look', async () => {
    chmodSync(folder, 0o700);
    run('-c', 'import plain');
    expect(await check()).toMatchObject({ changes: [], compiled: 1 });
  });

  test('that say something else than their source are seen, whether new or changed', async () => {
    run('-c', 'import plain');
    const compiled = compiledOf('plain.py');
    const honest = readFileSync(compiled);
    const forge = (): void => {
      run(
        '-c',
        'import importlib._bootstrap_external as b, os, sys; s = os.stat(sys.argv[1]); ' +
          'open(sys.argv[2], "wb").write(b._code_to_timestamp_pyc(compile("VALUE = 2", sys.argv[1], "exec"), int(s.st_mtime), s.st_size))',
        at('plain.py'),
        compiled,
      );
    };
    forge();
    const words = `compiled, but not from its source: ${compiled}`;
    expect((await check()).changes).toEqual([words]);
    writeFileSync(compiled, honest);
    expect((await check()).changes).toEqual([]);
    forge();
    expect((await check()).changes).toEqual([words]);
  });

  test('of no known source, of a changed source, and other things in their folder are seen', async () => {
    run('-c', 'import plain');
    const cache = path.dirname(compiledOf('plain.py'));
    const copy = compiledOf('plain.py').replace('plain', 'sitecustomize');
    writeFileSync(copy, readFileSync(compiledOf('plain.py')));
    writeFileSync(path.join(cache, 'tool.py'), 'x');
    writeFileSync(path.join(cache, 'plain.cpython-311.pyc.140123'), 'half');
    writeFileSync(at('plain.py'), 'VALUE = 3\n');
    run('-c', 'import plain');
    expect((await check()).changes.toSorted()).toEqual(
      [
        `added: ${path.join(cache, 'tool.py')}`,
        `changed: ${at('plain.py')}`,
        `compiled, but not from its source: ${copy}`,
        `compiled, but not from its source: ${compiledOf('plain.py')}`,
      ].toSorted(),
    );
  });
});
