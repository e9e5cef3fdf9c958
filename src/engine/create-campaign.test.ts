import { mkdir, readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { expect, test } from 'vitest';
import { openCandidateRepository } from '../candidate/candidate-repository.ts';
import { BASELINE_EXPERIMENT } from '../domain/ids.ts';
import { openSqliteStore } from '../store/sqlite/open-sqlite-store.ts';
import { MINIMAL_TASK, temporaryFolder, TRAIN } from '../task/load-task.fixture.ts';
import { loadTask } from '../task/load-task.ts';
import { campaignFolder, createFolders, readSecret, type CampaignFolder } from './campaign-folder.ts';
import { createCampaign, type NewCampaign } from './create-campaign.ts';
import { loadState, type LoadedState } from './load-state.ts';

const FILES = { 'task.yaml': MINIMAL_TASK, 'train.py': TRAIN, 'judge.py': 'print()\n' };

async function stateOf(folder: CampaignFolder): Promise<LoadedState['state']> {
  await using store = await openSqliteStore(folder.log);
  return (await loadState(store)).state;
}

async function inTemporary(
  work: (create: (options?: Partial<NewCampaign>) => Promise<CampaignFolder>, directory: string) => Promise<void>,
): Promise<void> {
  await using source = await temporaryFolder({ ...FILES, '.git/config': 'x', '__pycache__/train.pyc': 'x' });
  await using target = await temporaryFolder();
  const task = await loadTask(source.path);
  await work(
    (options) => createCampaign({ directory: target.path, name: 'demo', task, limits: {}, ...options }),
    target.path,
  );
}

test('a new campaign has its starting point as a commit, its events, and a copy of the task without what is not part of it', async () => {
  await inTemporary(async (create) => {
    const folder = await create({ limits: { experiments: 100 }, searchSeed: 5 });
    const state = await stateOf(folder);
    expect(state).toMatchObject({ campaign: 'demo', searchSeed: 5, testHorizon: 30, champion: BASELINE_EXPERIMENT });
    await using repository = await openCandidateRepository(folder.candidates);
    expect(String(await repository.readFile(state.baseline, 'train.py'))).toBe(TRAIN);
    expect(await repository.find(BASELINE_EXPERIMENT)).toBe(state.baseline);
    expect(await readFile(path.join(folder.task, 'train.py'), 'utf8')).toBe(TRAIN);
    await expect(readFile(path.join(folder.task, '.git/config'))).rejects.toThrow('ENOENT');
    await expect(readFile(path.join(folder.task, '__pycache__/train.pyc'))).rejects.toThrow('ENOENT');
  });
});

test('the false-discovery budget is laid out once, for at least ten tests, whatever the limit', async () => {
  await inTemporary(async (create) => {
    expect((await stateOf(await create({ name: 'small', limits: { experiments: 3 } }))).testHorizon).toBe(10);
    expect((await stateOf(await create({ name: 'open' }))).testHorizon).toBe(60);
  });
});

test('a campaign that exists is never begun again', async () => {
  await inTemporary(async (create) => {
    const folder = await create();
    const before = await stateOf(folder);
    const secret = await readSecret(folder);
    await expect(create()).rejects.toMatchObject({ code: 'campaign-exists' });
    expect(await stateOf(folder)).toEqual(before);
    expect(await readSecret(folder)).toEqual(secret);
  });
});

test('a creation that was interrupted before its first event is completed, with the secret that was drawn', async () => {
  await inTemporary(async (create, directory) => {
    const folder = campaignFolder(directory, 'demo');
    await createFolders(folder);
    const secret = await readSecret(folder);
    // As far as it got: an empty log, half a copy of the task, a repository without a commit.
    await (await openSqliteStore(folder.log, { create: true }))[Symbol.asyncDispose]();
    await mkdir(folder.task, { recursive: true });
    await writeFile(path.join(folder.task, 'stale.py'), 'x');
    await (await openCandidateRepository(folder.candidates))[Symbol.asyncDispose]();
    await create();
    expect(await readSecret(folder)).toEqual(secret);
    expect((await stateOf(folder)).experimentCount).toBe(1);
    await expect(readFile(path.join(folder.task, 'stale.py'))).rejects.toThrow('ENOENT');
  });
});

test('the same task gives the same starting commit in every campaign', async () => {
  await inTemporary(async (create) => {
    const [one, two] = [await stateOf(await create({ name: 'one' })), await stateOf(await create({ name: 'two' }))];
    expect(one.baseline).toBe(two.baseline);
    expect(one.task.hash).toBe(two.task.hash);
  });
});
