import { execFileSync } from 'node:child_process';
import {
  chmodSync,
  copyFileSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  statSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import path from 'node:path';
import { expect, test, vi } from 'vitest';
import { temporaryFolder } from '../task/load-task.fixture.ts';
import { filesBelow, writeArchive } from './archive.ts';

const LARGE = 9 * 2 ** 20;
const PYTHON = 'python3';

async function tree(folder: string, time: number): Promise<string> {
  const root = path.join(folder, `tree-${time}`);
  mkdirSync(path.join(root, 'inner'), { recursive: true });
  // Written in another order with other times: nothing of that may show.
  const names = ['inner/b', 'a', 'large'];
  for (const name of time % 2 === 0 ? names : names.toReversed()) {
    const file = path.join(root, name);
    writeFileSync(file, name === 'large' ? Buffer.alloc(LARGE, 'assay ') : `${name}\n`);
    chmodSync(file, name === 'a' ? 0o755 : 0o640);
    utimesSync(file, time, time);
  }
  return root;
}

test('same files give the same bytes, and tar reads them back', async () => {
  await using folder = await temporaryFolder();
  vi.stubEnv('ASSAY_CACHE', path.join(folder.path, 'cache'));
  const archives = [];
  for (const time of [1000, 2001]) {
    const entries = await filesBelow(await tree(folder.path, time), 'part');
    const text = { to: `part/${'long/'.repeat(40)}name`, mode: 0o600, text: 'ümlaut' };
    const options = { file: path.join(folder.path, `${time}.tar.xz`), prefix: 'top', maxBytes: 1e8, python: PYTHON };
    archives.push(await writeArchive([text, ...entries], options));
  }
  const [first, second] = archives;
  expect(second?.sha256).toBe(first?.sha256);
  expect(readFileSync(first?.file ?? '').equals(readFileSync(second?.file ?? ''))).toBe(true);
  // The large file's stream was kept, and is used again.
  expect(readdirSync(path.join(folder.path, 'cache', 'bundles'))).toHaveLength(1);
  expect(first?.parts).toEqual({ part: LARGE + 'inner/b\n'.length + 'a\n'.length + Buffer.byteLength('ümlaut') });
  execFileSync('tar', ['xf', first?.file ?? ''], { cwd: folder.path });
  const out = path.join(folder.path, 'top', 'part');
  expect(readFileSync(path.join(out, 'large')).equals(Buffer.alloc(LARGE, 'assay '))).toBe(true);
  expect(readFileSync(path.join(out, 'inner/b'), 'utf8')).toBe('inner/b\n');
  expect(readFileSync(path.join(out, 'long/'.repeat(40), 'name'), 'utf8')).toBe('ümlaut');
  expect(statSync(path.join(out, 'a')).mode & 0o777).toBe(0o755);
  expect(statSync(path.join(out, 'inner/b')).mode & 0o777).toBe(0o644);
  vi.unstubAllEnvs();
});

test('an archive that is too large, or is there, leaves nothing behind', async () => {
  await using folder = await temporaryFolder({ 'tree/a': 'a' });
  vi.stubEnv('ASSAY_CACHE', path.join(folder.path, 'cache'));
  const entries = await filesBelow(path.join(folder.path, 'tree'), 'tree');
  const options = { file: path.join(folder.path, 'out.tar.xz'), prefix: 'top', maxBytes: 10, python: PYTHON };
  await expect(writeArchive(entries, options)).rejects.toMatchObject({ code: 'bundle-too-large' });
  expect(readdirSync(folder.path)).toEqual(['tree']);
  copyFileSync(path.join(folder.path, 'tree/a'), options.file);
  await expect(writeArchive(entries, options)).rejects.toMatchObject({ code: 'bundle-exists' });
  await expect(writeArchive([...entries, ...entries], { ...options, file: `${options.file}2` })).rejects.toMatchObject({
    code: 'bundle-failed',
  });
  vi.unstubAllEnvs();
});
