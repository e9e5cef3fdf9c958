import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { expect, test } from 'vitest';
import { canBecome } from './user-numbers.ts';

async function asked(files: Readonly<Record<string, string>>, first = 20_001, count = 128): Promise<boolean> {
  const folder = await mkdtemp(path.join(tmpdir(), 'assay-users-'));
  try {
    for (const [name, text] of Object.entries(files)) await writeFile(path.join(folder, name), text);
    return canBecome(first, count, folder);
  } finally {
    await rm(folder, { recursive: true });
  }
}

const ALL = '         0          0 4294967295\n';
const ROOT_ALONE = '         0       1000          1\n';
const ROOTLESS = '         0       1000          1\n         1     100000      65536\n';

test.each([
  ['a whole machine', { uid_map: ALL, gid_map: ALL, setgroups: 'allow\n' }, true],
  ['root alone', { uid_map: ROOT_ALONE, gid_map: ROOT_ALONE, setgroups: 'deny\n' }, false],
  ['users but no groups', { uid_map: ALL, gid_map: ROOT_ALONE, setgroups: 'allow\n' }, false],
  ['groups that must not be left', { uid_map: ALL, gid_map: ALL, setgroups: 'deny\n' }, false],
  ['a range of its own', { uid_map: ROOTLESS, gid_map: ROOTLESS, setgroups: 'allow\n' }, true],
  ['a range in two parts', { uid_map: '0 5 20050\n20050 90000 30000\n' }, true],
  ['a range with a hole', { uid_map: '0 5 20050\n20051 90000 30000\n' }, false],
  ['a machine that does not say', {}, true],
])('%s', async (_, files, can) => {
  expect(await asked(files)).toBe(can);
});
