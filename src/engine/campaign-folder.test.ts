import { mkdir, readFile, rm, stat, utimes, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { expect, test } from 'vitest';
import { temporaryFolder } from '../task/load-task.fixture.ts';
import { campaignFolder, createFolders, findCampaign, listCampaigns, readSecret } from './campaign-folder.ts';

const ESCAPES = [
  '',
  '.',
  '..',
  '../x',
  'a/../../b',
  '/etc',
  'a/b',
  'a\\b',
  '.hidden',
  '-rf',
  'a b',
  'a\nb',
  'a\n',
  'a\0b',
  'ä',
  'x'.repeat(65),
];

test.each(ESCAPES)('%j can name no campaign', (name) => {
  expect(() => campaignFolder('/project', name)).toThrow(expect.objectContaining({ code: 'campaign-name' }));
});

test('every path of a campaign lies in its own folder', () => {
  for (const name of ['demo', 'a..b', 'A-1_x.y', 'x'.repeat(64)]) {
    const { root, name: _, ...paths } = campaignFolder('/project', name);
    expect(path.dirname(root)).toBe('/project/.assay');
    for (const each of Object.values(paths)) expect(path.dirname(each)).toBe(root);
  }
});

test('the secret is 32 random bytes that only the owner can read, and stays what it was', async () => {
  await using folder = await temporaryFolder();
  const campaign = campaignFolder(folder.path, 'demo');
  await createFolders(campaign);
  const secret = await readSecret(campaign);
  expect(secret).toHaveLength(32);
  expect((await stat(campaign.secret)).mode & 0o777).toBe(0o600);
  await createFolders(campaign);
  expect(await readSecret(campaign)).toEqual(secret);
  const other = campaignFolder(folder.path, 'other');
  await createFolders(other);
  expect(await readSecret(other)).not.toEqual(secret);
});

test('a crash while the secret is written leaves none, and the next one completes it', async () => {
  await using folder = await temporaryFolder();
  const campaign = campaignFolder(folder.path, 'demo');
  await mkdir(campaign.root, { recursive: true });
  await writeFile(`${campaign.secret}.999`, 'ab');
  await createFolders(campaign);
  expect(await readSecret(campaign)).toHaveLength(32);
});

test('a secret that is missing or damaged is an error with words and is never replaced', async () => {
  await using folder = await temporaryFolder();
  const campaign = campaignFolder(folder.path, 'demo');
  await createFolders(campaign);
  await writeFile(campaign.secret, 'abc');
  await createFolders(campaign);
  await expect(readSecret(campaign)).rejects.toMatchObject({ code: 'secret-broken' });
  expect(await readFile(campaign.secret, 'utf8')).toBe('abc');
  await rm(campaign.secret);
  await expect(readSecret(campaign)).rejects.toMatchObject({ code: 'secret-broken' });
});

test('a folder that cannot be made is said in words', async () => {
  await using folder = await temporaryFolder({ '.assay': 'a file where the folder should be' });
  await expect(createFolders(campaignFolder(folder.path, 'demo'))).rejects.toMatchObject({
    code: 'campaign-unwritable',
  });
});

test('campaigns are listed by their last use, and what is no campaign is left out', async () => {
  await using folder = await temporaryFolder({
    '.assay/old/log.db': '',
    '.assay/new/log.db': '',
    '.assay/new/log.db-wal': '',
    '.assay/empty/readme': '',
    '.assay/stray': '',
  });
  const at = (name: string): string => path.join(folder.path, '.assay', name);
  await utimes(at('old/log.db'), 2000, 2000);
  await utimes(at('new/log.db'), 1000, 1000);
  await utimes(at('new/log.db-wal'), 3000, 3000);
  expect(await listCampaigns(folder.path)).toEqual(['new', 'old']);
  expect((await findCampaign(folder.path)).name).toBe('new');
  expect((await findCampaign(folder.path, 'old')).name).toBe('old');
  await expect(findCampaign(folder.path, 'empty')).rejects.toThrow(/no campaign 'empty'/);
  await expect(findCampaign(folder.path, '../..')).rejects.toMatchObject({ code: 'campaign-missing' });
});

test('who names no campaign does not mean a red team, unless there is nothing else', async () => {
  await using folder = await temporaryFolder({
    '.assay/mine/log.db': '',
    '.assay/redteam-task-1/log.db': '',
  });
  const at = (name: string): string => path.join(folder.path, '.assay', name);
  await utimes(at('mine/log.db'), 1000, 1000);
  await utimes(at('redteam-task-1/log.db'), 3000, 3000);
  expect((await findCampaign(folder.path)).name).toBe('mine');
  expect((await findCampaign(folder.path, 'redteam-task-1')).name).toBe('redteam-task-1');
  await rm(at('mine'), { recursive: true });
  expect((await findCampaign(folder.path)).name).toBe('redteam-task-1');
});

test('a folder without campaigns says how to start one', async () => {
  await using folder = await temporaryFolder();
  expect(await listCampaigns(folder.path)).toEqual([]);
  await expect(findCampaign(folder.path)).rejects.toMatchObject({
    code: 'campaign-missing',
    hint: expect.stringContaining('assay run'),
  });
});
