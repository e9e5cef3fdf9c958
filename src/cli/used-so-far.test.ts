import { DatabaseSync } from 'node:sqlite';
import { writeFile } from 'node:fs/promises';
import { expect, test } from 'vitest';
import { campaignFolder, createFolders } from '../engine/campaign-folder.ts';
import { campaignOnDisk } from '../report/campaign-on-disk.fixture.ts';
import { smallCampaign } from '../report/demo-campaign.fixture.ts';
import { openSqliteStore } from '../store/sqlite/open-sqlite-store.ts';
import { temporaryFolder } from '../task/load-task.fixture.ts';
import { usedSoFar } from './used-so-far.ts';

type Make = (file: string) => Promise<void>;

const EMPTY: readonly (readonly [string, Make])[] = [
  ['an empty file', (file) => writeFile(file, '')],
  [
    'a database without tables',
    (file) => {
      using database = new DatabaseSync(file);
      database.exec('PRAGMA journal_mode = WAL');
      return Promise.resolve();
    },
  ],
  [
    'a log without events',
    async (file) => {
      await using store = await openSqliteStore(file, { create: true });
      expect(await store.lastSeq()).toBe(0);
    },
  ],
];

test.each(EMPTY)('%s is a campaign that was not made yet', async (_name, make) => {
  await using directory = await temporaryFolder();
  const folder = campaignFolder(directory.path, 'early');
  await createFolders(folder);
  await make(folder.log);
  expect(await usedSoFar(folder)).toBeUndefined();
});

test('anything else that is no log is damaged', async () => {
  await using directory = await temporaryFolder();
  const folder = campaignFolder(directory.path, 'bad');
  await createFolders(folder);
  await writeFile(folder.log, 'this is not a database, it only looks like a file');
  await expect(usedSoFar(folder)).rejects.toMatchObject({ code: 'store-broken' });
});

test('the experiments of a campaign are counted, measurements aside', async () => {
  await using directory = await temporaryFolder();
  const { folder } = await campaignOnDisk(directory.path, 'demo', (made) => smallCampaign(made));
  expect(await usedSoFar(folder)).toMatchObject({ experiments: 6, isFinished: true });
});
