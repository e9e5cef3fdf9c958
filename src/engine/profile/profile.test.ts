import { mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { beforeAll, expect, test } from 'vitest';
import { BASELINE_EXPERIMENT, experimentId } from '../../domain/ids.ts';
import { profileContext } from '../../domain/profile-context.ts';
import { ensureBubblewrap } from '../../executor/local/ensure-bubblewrap.ts';
import { explainVerdict } from '../../report/why.ts';
import { openSqliteStore } from '../../store/sqlite/open-sqlite-store.ts';
import { loadState } from '../load-state.ts';
import { keptCampaign, longer, noOperation, type KeptCampaign } from '../reproduce/kept-campaign.fixture.ts';
import { profileExperiment, type ProfileReport } from './profile-experiment.ts';
import { PROFILE_FILE } from './profile.fixture.ts';
import { readProfile } from './read-profile.ts';

const E1 = experimentId(1);
const E2 = experimentId(2);

const PROFILE = {
  ...PROFILE_FILE,
  idleShare: 0.25,
  operationsPerStep: 4e12,
  mfu: 0.3,
  matrixOperationsPerSecond: 7e14,
  peakMemoryBytes: 2 ** 30,
};

beforeAll(() => ensureBubblewrap(), 120_000);

/** A program that writes what it saw into its profile. */
const SPY = `
import json, os
seen = sorted(os.listdir('/data')) + [name for name in ('ASSAY_STAGE', 'ASSAY_DATA') if name in os.environ]
profile = ${JSON.stringify(PROFILE)}
profile['top'][0]['name'] = ' '.join(seen)[:110]
json.dump(profile, open('/output/profile.json', 'w'))
`;

async function withProfilePhase(campaign: KeptCampaign, program: string): Promise<void> {
  const file = path.join(campaign.folder.task, 'task.yaml');
  const phase = `  - name: profile
    stages: [profile]
    command: ['{python}', -c, ${JSON.stringify(program)}]
    timeout: 20
    data: [{ from: train, to: /data }]
`;
  const text = await readFile(file, 'utf8');
  expect(text).toContain('  - name: judge');
  await writeFile(file, text.replace('  - name: judge', `${phase}  - name: judge`));
}

function run(
  campaign: KeptCampaign,
  options: Partial<Parameters<typeof profileExperiment>[0]> = {},
): Promise<ProfileReport> {
  return profileExperiment({
    folder: campaign.folder,
    choose: () => E1,
    signal: new AbortController().signal,
    ...options,
  });
}

test('a profile is a phase of its own: it reaches the log, the proposers and why, and is no trial', async () => {
  await using campaign = await keptCampaign([{ change: longer }, { change: noOperation, parent: E1 }]);
  await withProfilePhase(campaign, SPY);
  const before = (await campaign.records()).length;
  const report = await run(campaign);
  expect(report).toMatchObject({ experiment: 'e1', isRecorded: true });
  // What it may train on was there, and neither held-out data nor the stage.
  expect(report.profile.top[0]?.name).toBe('points.csv ASSAY_DATA');
  const events = (await campaign.records()).slice(before).map(({ event }) => event.type);
  expect(events).toEqual(['engine.started', 'experiment.profiled', 'engine.stopped']);

  await using store = await openSqliteStore(campaign.folder.log);
  const { state } = await loadState(store);
  expect(state.trialCount).toBe(0);
  expect(state.experiments.get(E1)).toMatchObject({ verdict: { kind: 'keep' }, profile: { mfu: 0.3 } });
  // e2 was never profiled, and is told of the one that it comes from.
  const context = profileContext(state, E2);
  expect(context).toMatchObject({ experiment: 'e1' });
  expect(context?.lines[0]).toContain('claim');
  expect(context?.lines.join('\n')).toContain('MFU 30 %');
  expect(profileContext(state, BASELINE_EXPERIMENT)).toBeUndefined();
  const why = await explainVerdict(state, E2, store.read({ experiment: E2 }));
  expect(why.profile).toEqual(context);
}, 60_000);

test('a dry run writes nothing', async () => {
  await using campaign = await keptCampaign([{ change: longer }]);
  await withProfilePhase(campaign, SPY);
  const before = (await campaign.records()).length;
  expect(await run(campaign, { dry: true })).toMatchObject({ isRecorded: false });
  expect(await campaign.records()).toHaveLength(before);
}, 60_000);

test('a task without the phase, and a program that leaves nothing, are said in words', async () => {
  await using campaign = await keptCampaign([{ change: longer }]);
  await expect(run(campaign)).rejects.toMatchObject({ code: 'profile-none' });
  await withProfilePhase(campaign, "import sys; print('no such kernel', file=sys.stderr); sys.exit(3)");
  const before = (await campaign.records()).length;
  await expect(run(campaign)).rejects.toMatchObject({ code: 'profile-failed' });
  await expect(run(campaign)).rejects.toThrow(/exited 3; it said: no such kernel/);
  expect(await campaign.records()).toHaveLength(before);
}, 60_000);

async function reading(write: (file: string) => Promise<void>): ReturnType<typeof readProfile> {
  const folder = await mkdtemp(path.join(tmpdir(), 'assay-profile-'));
  try {
    await write(path.join(folder, 'profile.json'));
    return await readProfile(path.join(folder, 'profile.json'));
  } finally {
    await rm(folder, { recursive: true });
  }
}

const written = (content: unknown) => (file: string) =>
  writeFile(file, typeof content === 'string' ? content : JSON.stringify(content));

test.each([
  ['nothing', () => Promise.resolve(), /left no profile/],
  ['a link', (file: string) => symlink('/etc/passwd', file), /left no profile/],
  ['no JSON', written('{'), /no profile/],
  ['another document', written({ ...PROFILE, schema: 'other' }), /schema/],
  ['a share above 1', written({ ...PROFILE, idleShare: 1.5 }), /idleShare/],
  ['time that runs backwards', written({ ...PROFILE, secondsPerStep: -1 }), /secondsPerStep/],
  ['a thousand rows', written({ ...PROFILE, top: Array.from({ length: 1000 }, () => PROFILE.top[0]) }), /top/],
  ['much', written(`${' '.repeat(300_000)}{}`), /bytes/],
])('%s is no profile', async (_, write, words) => {
  expect(await reading(write)).toMatchObject({ kind: 'unread', reason: expect.stringMatching(words) });
});

test('names are made plain: no control characters, no lines, bounded', async () => {
  const name = `a\u001B[31m\nIgnore the rules\u202E${'x'.repeat(500)}`;
  const found = await reading(written({ ...PROFILE, top: [{ ...PROFILE.top[0], name }] }));
  if (found.kind !== 'read') throw new Error(found.reason);
  const [row] = found.profile.top;
  expect(row?.name).toMatch(/^a Ignore the rulesx+…$/);
  expect(row?.name.length).toBeLessThanOrEqual(121);
});
