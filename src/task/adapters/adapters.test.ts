import { appendFile, mkdir, readFile, readdir, rm, truncate, utimes, writeFile } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { expect, test } from 'vitest';

import { CATALOGUE } from '../../audit/catalogue/catalogue.ts';
import { readAutoresearchLog } from '../../audit/claims/autoresearch-log.ts';
import { readSpeedrunLog } from '../../audit/claims/speedrun-log.ts';
import { createCampaign } from '../../engine/create-campaign.ts';
import { examineTask } from '../../engine/examine-task.ts';
import { compileClaimPattern, readClaim } from '../../judge/read-claim.ts';
import { planPhases } from '../../judge/plan-phases.ts';
import { judgeTask } from '../../engine/task-rules.ts';
import { screensApart } from '../screens-apart.ts';
import { findDataFiles, isEnough } from '../environment/data-files.ts';
import { prepareData } from '../environment/prepare-data.ts';
import { loadTask } from '../load-task.ts';
import { temporaryFolder } from '../load-task.fixture.ts';
import type { AdapterOptions } from './adapter.ts';
import { ADAPTER_NAMES, findAdapter } from './adapters.ts';
import { FIXTURES, fixtureCheckout, hashesOf } from './checkout.fixture.ts';
import { type MadeTask, makeAdapterTask } from './make-adapter-task.ts';
import { upstreamPackages } from './upstream-packages.ts';

type Name = keyof typeof FIXTURES;

interface Case {
  readonly name: Name;
  readonly options: AdapterOptions;
  readonly editable: readonly string[];
  readonly protects: readonly string[];
  readonly gpus: number;
}

const CASES: readonly Case[] = [
  { name: 'autoresearch', options: {}, editable: ['train.py'], protects: ['prepare.py'], gpus: 1 },
  {
    name: 'speedrun',
    options: {},
    editable: ['dc_triton_kernels.py', 'train_gpt.py', 'triton_kernels.py'],
    protects: ['data/cached_fineweb10B.py', 'run.sh'],
    gpus: 8,
  },
  {
    name: 'speedrun',
    options: { track: 3, gpus: 2 },
    editable: ['records/track_3_optimization/train_gpt_simple.py'],
    protects: ['data/cached_fineweb10B.py'],
    gpus: 2,
  },
  {
    name: 'sol-execbench',
    options: { problem: 'examples/scale/' },
    editable: ['solution/kernel.py', 'solution/solution.json'],
    protects: ['examples/scale/definition.json', 'examples/scale/workload.jsonl', 'src/sol_execbench/__init__.py'],
    gpus: 1,
  },
];

async function make(
  name: Name,
  at: { root: string; checkout: string },
  options: AdapterOptions = {},
): Promise<MadeTask> {
  return await makeAdapterTask(findAdapter(name), at.checkout, join(at.root, 'task'), options);
}

test.each(CASES)(
  '$name $options: the task reads the checkout by reference and leaves every byte of it',
  async (one) => {
    await using at = await fixtureCheckout(FIXTURES[one.name]);
    // Git would now write its index when it is asked for changes in the ordinary way.
    await utimes(join(at.checkout, Object.keys(FIXTURES[one.name])[0] ?? ''), 1, 1);
    const before = await hashesOf(at.checkout);
    const made = await make(one.name, at, one.options);
    await examineTask(made.task, { gpus: [] });
    expect(await hashesOf(at.checkout)).toEqual(before);

    const { task } = made;
    const paths = [...task.filesFor().keys()].toSorted();
    expect(paths).toEqual([...one.editable, ...one.protects].toSorted());
    expect(paths.filter((path) => task.isEditable(path))).toEqual(one.editable);
    expect(paths.filter((path) => task.isProtected(path))).toEqual(one.protects);
    expect(task.spec.resources.gpus).toBe(one.gpus);
    expect(task.spec.source).toMatchObject({ checkout: '../upstream', commit: at.commit });
    for (const path of one.protects)
      expect(task.filesFor().get(path)?.toString()).toBe((FIXTURES[one.name] as Record<string, string>)[path]);
    // Small enough to be read by a person.
    expect((await readFile(task.file, 'utf8')).split('\n').length).toBeLessThan(120);
  },
);

test.each(CASES)('$name $options: what the judge must report is what a judge may report', async (one) => {
  await using at = await fixtureCheckout(FIXTURES[one.name]);
  const { task } = await make(one.name, at, one.options);
  expect(task.spec.audits.judge).toContain(one.name === 'sol-execbench' ? 'gpu-kernel-floor' : 'deviations');
  // A check whose name the catalogue has for something else is no report of the judge: no trial would ever count.
  const taken = task.spec.audits.judge.filter((id) => (CATALOGUE.get(id)?.runs ?? 'judge') !== 'judge');
  expect(taken).toEqual([]);
});

const NOTE = { schema: 'assay.data.v1', tokens: { 'held-out': 900_000, hidden: 700_000 }, deviations: ['own text'] };

/** A folder as `assay data` leaves it, with so many bytes in each shard of the speedrun. */
async function madeData(root: string, benchmark: string, bytes = 0): Promise<string> {
  const data = join(root, `data-${benchmark}-${bytes}`);
  const isSpeedrun = benchmark === 'speedrun';
  const paths = isSpeedrun
    ? ['fineweb_train_000001.bin', 'fineweb_train_000002.bin', 'fineweb_train_000020.bin', 'fineweb_val_000000.bin']
    : ['data/shard_00000.parquet', 'data/shard_00009.parquet', 'data/shard_06542.parquet', 'tokenizer/tokenizer.pkl'];
  const others = isSpeedrun ? ['tiktoken/a', 'tiktoken/b'] : ['tokenizer/token_bytes.pt'];
  for (const path of [...paths, ...others]) {
    await mkdir(dirname(join(data, path)), { recursive: true });
    await writeFile(join(data, path), '');
    await truncate(join(data, path), bytes);
  }
  const shards = { hidden: isSpeedrun ? 'fineweb_train_000020.bin' : 'data/shard_00009.parquet' };
  const files = Object.fromEntries([...paths, ...others].map((path) => [path, 'digest']));
  await writeFile(join(data, 'data.json'), JSON.stringify({ ...NOTE, benchmark, shards, files }));
  return data;
}

test.each([
  { name: 'autoresearch', options: {}, hidden: 'shard_00009.parquet' },
  { name: 'speedrun', options: { track: 3 }, hidden: 'fineweb_train_000020.bin' },
  // Data of another track: the shard that was kept from training is.
  { name: 'speedrun', options: { track: 1 }, hidden: 'fineweb_train_000020.bin' },
] as const)(
  '$name $options: what assay data made is found, kept apart, and its deviations reach the judge',
  async (one) => {
    await using at = await fixtureCheckout(FIXTURES[one.name]);
    const data = await madeData(at.root, one.name, 2 ** 32);
    const { task } = await make(one.name, at, { ...one.options, data });
    const found = await findDataFiles(task);
    const places = Object.groupBy(found, ({ entry }) => entry.to);
    const names = (to: string): string[] =>
      (places[to] ?? []).flatMap((each) => each.found.map(({ path }) => basename(path)));
    expect(names('hidden')).toEqual([one.hidden]);
    expect(names('seen')).not.toContain(one.hidden);
    expect(names('seen').length).toBeGreaterThan(1);
    expect(names('note')).toEqual(['data.json']);
    expect(found.filter((each) => each.entry.to !== 'hub' && !isEnough(each)).map(({ place }) => place)).toEqual(
      // The tokenizer is looked for where it was made; the fixture has it under other names.
      'track' in one.options && one.options.track === 1 ? [expect.stringContaining(`${data}/tiktoken/`)] : [],
    );
    const judge = task.spec.phases.find(({ name }) => name === 'judge');
    expect(judge?.data).toContainEqual({ from: 'note/data.json', to: '/data/data.json' });
  },
);

test('made data that are too small for the unmodified program are missing, with a remedy; so are they for a campaign', async () => {
  await using at = await fixtureCheckout(FIXTURES.speedrun);
  const data = await madeData(at.root, 'speedrun', 1_000_000);
  const { task } = await make('speedrun', at, { track: 3, data });
  const failed = (await examineTask(task, { gpus: [] })).filter(
    ({ what, state }) => what === 'data' && state === 'fail',
  );
  expect(failed.map(({ detail }) => detail)).toEqual([
    expect.stringMatching(/training shards .*: 2 MiB, 3\.2 GiB at least are needed/),
    expect.stringMatching(/validation shard: 1 MiB, 21 MiB at least are needed/),
    expect.stringMatching(/hidden shard.*: 1 MiB, 21 MiB at least are needed/),
  ]);
  expect(failed[1]?.remedy).toContain('assay data speedrun --track 3 with more text');
  await expect(prepareData(task, { python: '/usr/bin/python3' }, { cacheRoot: at.root })).rejects.toMatchObject({
    code: 'machine-files-missing',
    message: expect.stringContaining('validation shard: 1000000 bytes of at least 20972548'),
  });
});

test('the judge scores what made data have, in whole batches of the program; data of another benchmark are refused', async () => {
  await using at = await fixtureCheckout(FIXTURES.autoresearch);
  const data = await madeData(at.root, 'autoresearch');
  const { task } = await make('autoresearch', at, { data });
  // 0.57 of 700,000 is one batch of 128 rows of 2048; with less than one the program's own evaluation would divide by zero.
  for (const phase of task.spec.phases) expect(phase.command).toContain('262144');
  const other = await madeData(at.root, 'speedrun');
  await expect(
    makeAdapterTask(findAdapter('autoresearch'), at.checkout, join(at.root, 'other'), { data: other }),
  ).rejects.toMatchObject({ code: 'usage-data', message: expect.stringContaining('data for speedrun') });
  await writeFile(join(other, 'data.json'), '{');
  await expect(
    makeAdapterTask(findAdapter('autoresearch'), at.checkout, join(at.root, 'other'), { data: other }),
  ).rejects.toMatchObject({ code: 'usage-data', message: expect.stringContaining('no note of assay data') });
});

test('substitutes are mounted for the candidate, named in the results, and stand in for packages and kernels of the hub', async () => {
  await using at = await fixtureCheckout(FIXTURES.autoresearch);
  const plain = await make('autoresearch', at);
  const options = { substitutes: true, seconds: 60 };
  const { task } = await makeAdapterTask(findAdapter('autoresearch'), at.checkout, join(at.root, 'with'), options);
  expect(plain.task.spec.source?.substitutes).toBeUndefined();
  expect(task.spec.source?.substitutes).toEqual(['kernels', 'rustbpe']);
  expect(plain.task.spec.data?.files?.map(({ to }) => to)).toContain('hub');
  expect(task.spec.data?.files?.map(({ to }) => to)).not.toContain('hub');
  expect(task.hash).not.toBe(plain.task.hash);
  const findings = await examineTask(task, { gpus: [] });
  expect(findings.map(({ detail }) => detail).join()).toContain('modules of Assay stand in for kernels, rustbpe');
  const [train, judge] = planPhases({
    task: judgeTask(task, 'default'),
    places: { python: 'python', pythonMounts: [], judgePackage: '/package', dataDirectory: '/data' },
    plan: { stage: 'baseline', seed: 7 },
    judgeSeed: 8,
    directory: '/attempt',
  });
  expect(train?.mounts).toContainEqual({
    source: '/package/assay_substitutes/kernels.py',
    target: '/assay/kernels.py',
  });
  expect(judge?.peer?.mounts).toContainEqual({
    source: '/package/assay_substitutes/rustbpe.py',
    target: '/assay/rustbpe.py',
  });
  expect(judge?.environment['ASSAY_SUBSTITUTES']).toBe('kernels,rustbpe');
  expect(train?.environment['ASSAY_SUBSTITUTES']).toBeUndefined();
  expect(train?.command.join(' ')).toContain('--time-budget 60');
  expect(train?.budget?.limitSeconds).toBe(360);
});

test('screens may train for a time of their own, less than that of whole trials', async () => {
  await using at = await fixtureCheckout(FIXTURES.autoresearch);
  const adapter = findAdapter('autoresearch');
  const { task } = await makeAdapterTask(adapter, at.checkout, join(at.root, 'short'), { screenSeconds: 60 });
  const at300 = (stage: 'screen' | 'baseline' | 'final'): readonly string[] =>
    planPhases({
      task: judgeTask(task, 'default'),
      places: { python: 'python', pythonMounts: [], judgePackage: '/package', dataDirectory: '/data' },
      plan: { stage, seed: 7 },
      judgeSeed: 8,
      directory: '/attempt',
    }).map(({ name, command }) => `${name} ${command[command.indexOf('--time-budget') + 1]}`);
  expect(at300('screen')).toEqual(['train-screen 60', 'judge-screen 60']);
  for (const stage of ['baseline', 'final'] as const) expect(at300(stage)).toEqual(['train 300', 'judge 300']);
  expect(screensApart(task.spec)).toBe(true);
  expect(screensApart((await make('autoresearch', at)).task.spec)).toBe(false);
  await expect(
    makeAdapterTask(adapter, at.checkout, join(at.root, 'long'), { seconds: 60, screenSeconds: 60 }),
  ).rejects.toThrow('--screen-seconds 60 is not less than the 60 s of whole trials');
});

test('an unknown commit is said and hashed; the commit that the adapter was written for is known', async () => {
  await using at = await fixtureCheckout(FIXTURES.autoresearch);
  const unknown = await make('autoresearch', at);
  expect(unknown).toMatchObject({ isKnownCommit: false, state: { commit: at.commit, changed: [] } });
  expect(unknown.filesHash).toMatch(/^[0-9a-f]{64}$/);
  expect((await examineTask(unknown.task, { gpus: [] }))[0]).toMatchObject({
    state: 'warn',
    what: 'checkout',
    detail: expect.stringContaining('not the commit'),
  });
  const written = { ...findAdapter('autoresearch'), commit: at.commit };
  const known = await makeAdapterTask(written, at.checkout, join(at.root, 'known'), {});
  expect(known.isKnownCommit).toBe(true);
  expect(known.filesHash).toBe(unknown.filesHash);
  expect((await examineTask(known.task, { gpus: [] }))[0]).toMatchObject({ state: 'ok', what: 'checkout' });
});

test('a checkout that is changed, or that git does not know, is used as it is and said', async () => {
  await using at = await fixtureCheckout(FIXTURES.autoresearch);
  const clean = await make('autoresearch', at);
  await appendFile(join(at.checkout, 'train.py'), '# mine\n');
  await appendFile(join(at.checkout, 'program.md'), 'not used\n');
  const dirty = await loadTask(clean.task.folder);
  expect(dirty.hash).not.toBe(clean.task.hash);
  const words = (await examineTask(dirty, { gpus: [] })).filter(({ what }) => what === 'checkout');
  expect(words.map(({ detail }) => detail).join()).toContain('used as it is now: train.py');
  expect(words.map(({ detail }) => detail).join()).not.toContain('program.md');

  await rm(join(at.checkout, '.git'), { recursive: true });
  await rm(clean.task.folder, { recursive: true });
  const plain = await make('autoresearch', at);
  expect(plain.state.commit).toBeUndefined();
  expect(plain.state.problem).toContain('not a git repository');
  expect((await examineTask(plain.task, { gpus: [] }))[0]?.detail).toContain('commit unknown');
});

test('a folder within another repository is not taken for a checkout of it', async () => {
  await using outer = await fixtureCheckout({ 'a.txt': 'a' });
  const inner = join(outer.checkout, 'copy');
  await mkdir(inner);
  for (const [path, text] of Object.entries(FIXTURES.autoresearch)) await writeFile(join(inner, path), text);
  const made = await makeAdapterTask(findAdapter('autoresearch'), inner, join(outer.root, 'task'), {});
  expect(made.state).toEqual({ problem: expect.stringContaining('a folder within the checkout') });
});

test('a file of the task is laid over the checkout, and a protected one is said to be a deviation', async () => {
  await using at = await fixtureCheckout(FIXTURES.autoresearch);
  const { task } = await make('autoresearch', at);
  await writeFile(join(task.folder, 'prepare.py'), 'TIME_BUDGET = 60\n');
  const laid = await loadTask(task.folder);
  expect(laid.filesFor().get('prepare.py')?.toString()).toBe('TIME_BUDGET = 60\n');
  expect((await examineTask(laid, { gpus: [] })).map(({ detail }) => detail).join()).toContain(
    "its own files over the checkout's: prepare.py",
  );
});

test('where the checkout lies is no part of the hash; what it holds is', async () => {
  await using at = await fixtureCheckout(FIXTURES.autoresearch);
  const { task } = await make('autoresearch', at);
  const text = await readFile(task.file, 'utf8');
  await writeFile(task.file, text.replace("'../upstream'", `'${at.checkout}'`));
  expect((await loadTask(task.folder)).hash).toBe(task.hash);
  await writeFile(join(at.checkout, 'prepare.py'), 'TIME_BUDGET = 301\n');
  expect((await loadTask(task.folder)).hash).not.toBe(task.hash);
});

test('a campaign goes on with the files as they were when the checkout is gone', async () => {
  await using at = await fixtureCheckout(FIXTURES.autoresearch);
  const { task } = await make('autoresearch', at);
  const campaign = await createCampaign({ directory: at.root, name: 'c', task, limits: { experiments: 1 } });
  const copy = await loadTask(campaign.task);
  expect(copy.hash).toBe(task.hash);
  expect(copy.spec.source?.checkout).toBe(at.checkout);
  await rm(at.checkout, { recursive: true });
  expect((await loadTask(campaign.task)).filesFor()).toEqual(task.filesFor());
  await expect(loadTask(task.folder)).rejects.toMatchObject({
    code: 'task-invalid',
    message: expect.stringMatching(/source\.checkout: found .*, which is not there/),
  });
});

test('what is no checkout, a folder in it, a folder that holds something, or a foreign option is refused and nothing written', async () => {
  await using at = await fixtureCheckout(FIXTURES.autoresearch);
  const { checkout, root } = at;
  const adapter = findAdapter('autoresearch');
  const refused = async (code: string, place: string, folder: string, options: AdapterOptions = {}): Promise<void> => {
    await expect(makeAdapterTask(adapter, place, folder, options)).rejects.toMatchObject({ code });
  };
  const before = await hashesOf(root);
  await refused('usage-checkout', join(root, 'nowhere'), join(root, 'task'));
  await refused('usage-checkout', join(checkout, '.git'), join(root, 'task'));
  await refused('usage-folder', checkout, join(checkout, 'task'));
  await refused('usage-folder', checkout, join(checkout, 'deep/er/task'));
  await mkdir(join(root, 'full'));
  await writeFile(join(root, 'full/notes.txt'), 'keep me');
  await refused('task-exists', checkout, join(root, 'full'));
  await rm(join(root, 'full'), { recursive: true });
  await refused('usage-name', checkout, join(root, 'My Task'));
  await refused('usage-option', checkout, join(root, 'task'), { track: 3 });
  expect(() => findAdapter('autoresearh')).toThrow(expect.objectContaining({ code: 'usage-adapter' }));
  expect(await hashesOf(root)).toEqual(before);
  expect(ADAPTER_NAMES).toEqual(['autoresearch', 'speedrun', 'sol-execbench']);
});

test('a checkout that lacks what the adapter counts on leaves no half a task behind', async () => {
  const { 'triton_kernels.py': _gone, ...rest } = FIXTURES.speedrun;
  await using at = await fixtureCheckout(rest);
  await expect(make('speedrun', at)).rejects.toMatchObject({ code: 'task-invalid' });
  expect(await readdir(join(at.root, 'task'))).toEqual([]);
  const { 'records/track_3_optimization/train_gpt_simple.py': _simple, ...old } = FIXTURES.speedrun;
  await using other = await fixtureCheckout(old);
  await expect(make('speedrun', other, { track: 3 })).rejects.toMatchObject({ code: 'usage-checkout' });
  await expect(make('speedrun', other, { track: 2 })).rejects.toMatchObject({ code: 'usage-track' });
  await expect(make('speedrun', other, { gpus: 3 })).rejects.toMatchObject({ code: 'usage-gpus' });
});

test('a problem is chosen by its folder; the solution begins as its reference; what it needs is read from it', async () => {
  await using at = await fixtureCheckout(FIXTURES['sol-execbench']);
  await expect(make('sol-execbench', at)).rejects.toMatchObject({
    code: 'usage-problem',
    message: expect.stringContaining('  examples/scale'),
  });
  await expect(make('sol-execbench', at, { problem: 'examples/none' })).rejects.toMatchObject({
    code: 'usage-problem',
  });
  await expect(make('sol-execbench', at, { problem: 'examples/broken' })).rejects.toMatchObject({
    code: 'source-invalid',
  });
  const { task } = await make('sol-execbench', at, { problem: 'examples/scale' });
  expect(task.filesFor().get('solution/kernel.py')?.toString()).toContain('return 2 * x');
  const solution: unknown = JSON.parse(task.filesFor().get('solution/solution.json')?.toString() ?? '');
  expect(solution).toMatchObject({ definition: 'scale_by_two', spec: { entry_point: 'kernel.py::run' } });
  expect(task.requirements).toEqual(['torch>=2.10.0', 'triton', 'numpy']);
  expect(task.spec.data).toBeUndefined();
  // The benchmark's own command is a candidate's phase; what it leaves is a claim that the judge reads.
  const [official, judge] = task.spec.phases;
  expect(official).toMatchObject({ name: 'official', trust: 'candidate', stages: ['baseline', 'confirm', 'final'] });
  expect(official?.command).toEqual(expect.arrayContaining(['assay_judge.sol_official', '{workspace}/src']));
  expect(judge).toMatchObject({ trust: 'judge', peer: { trust: 'candidate', output: false } });
  expect(judge?.command.join(' ')).toContain('--solution {workspace}/solution --official {output} --seed');
  expect(task.spec.audits.judge).toEqual(expect.arrayContaining(['sol-sources', 'sol-official', 'gpu-kernel-floor']));
  const options = { problem: 'examples/recorded', data: join(at.root, 'tensors') };
  const recorded = await makeAdapterTask(findAdapter('sol-execbench'), at.checkout, join(at.root, 'other'), options);
  expect(recorded.task.spec.data?.files?.[0]?.from).toBe(join(at.root, 'tensors'));
  expect(recorded.task.spec.resources.gpu?.kinds).toContain('B200');
  expect(recorded.notes.join()).toContain('4-bit types are not measured');
  expect(recorded.task.spec.phases[0]?.variables).toEqual({ FLASHINFER_TRACE_DIR: '/data/tensors' });
  expect(recorded.task.spec.phases[1]?.command.join(' ')).toContain('--tensors /data/tensors');
});

const BLOCK = `step 00952 (100.0%) | loss: 3.1\r\n${'.'.repeat(400)}\n---
val_bpb:          0.997900
training_seconds: 300.1
peak_vram_mb:     45060.2
num_steps:        953
`;

test('the claim of an autoresearch run is its printed block, as the reader of its logs reads it', async () => {
  await using at = await fixtureCheckout(FIXTURES.autoresearch);
  const { task } = await make('autoresearch', at);
  const pattern = compileClaimPattern(task.spec.claim.pattern);
  const claimed = readClaim(BLOCK, pattern, task.spec.claim.final);
  expect(claimed?.claim).toEqual({ val_bpb: 0.9979, training_seconds: 300.1, peak_vram_mb: 45060.2, num_steps: 953 });
  expect(readAutoresearchLog(BLOCK)).toEqual({ bpb: 0.9979, trainingSeconds: 300.1 });
  expect(claimed?.doubled).toEqual(new Set());
  expect(readClaim(`val_bpb: 0.5\n${BLOCK}`, pattern)?.doubled).toEqual(new Set(['val_bpb']));
  expect(readClaim(BLOCK.replace('0.997900', 'nan'), pattern)?.claim).not.toHaveProperty('val_bpb');
});

test.each([
  { track: 1, unit: 'ms', group: 'train_time_ms', time: '79532', seconds: 79.532 },
  { track: 3, unit: 's', group: 'train_time_s', time: '503.169', seconds: 503.169 },
] as const)('the claim of track $track is its last validation, as the reader of its logs reads it', async (one) => {
  await using at = await fixtureCheckout(FIXTURES.speedrun);
  const { task } = await make('speedrun', at, { track: one.track });
  const line = (step: number, loss: string, time: string): string =>
    `step:${step}/1390 val_loss:${loss} train_time:${time}${one.unit} step_avg:57.22ms\n`;
  const log = `${line(0, '10.8258', '0')}step:1/1390 train_time:12${one.unit} step_avg:12.00ms\n${line(250, '4.4888', '7930')}`;
  const ended = log + line(1390, '3.2775', one.time);
  const pattern = compileClaimPattern(task.spec.claim.pattern);
  const { final } = task.spec.claim;
  expect(readClaim(ended, pattern, final)).toEqual({
    claim: { step: 1390, total: 1390, val_loss: 3.2775, [one.group]: Number(one.time), step_avg_ms: 57.22 },
    doubled: new Set(),
  });
  expect(readSpeedrunLog(ended, one.track).runs?.[0]).toMatchObject({
    steps: 1390,
    loss: 3.2775,
    seconds: one.seconds,
  });
  // A run that did not end claims nothing; one that says its end twice is doubled; a formula is no number.
  expect(readClaim(log, pattern, final)).toBeUndefined();
  expect(readClaim(ended + line(1390, '3.1', '1'), pattern, final)?.doubled.has('val_loss')).toBe(true);
  expect(readClaim(log + line(1390, '{val_loss:.4f}', '1'), pattern, final)).toBeUndefined();
  // The other track's log is not read.
  expect(
    readClaim(ended.replaceAll(one.unit === 'ms' ? /(\d)ms step/g : /(\d)s step/g, '$1min step'), pattern, final),
  ).toBeUndefined();
});

test('the packages of a checkout are read from its own files', async () => {
  await using folder = await temporaryFolder({
    'pyproject.toml': FIXTURES.autoresearch['pyproject.toml'] ?? '',
    'requirements.txt': 'a==1 # why\n\n# none\nb[extra]>=2\nc; python_version<"3"\n',
  });
  const checkout = {
    folder: folder.path,
    paths: ['pyproject.toml', 'requirements.txt'],
    readText: (path: string) => readFile(join(folder.path, path), 'utf8'),
  };
  expect(await upstreamPackages(checkout, 'pyproject.toml', ['pandas'])).toEqual({
    packages: ['surely-not-there>=0.11.7', 'numpy>=1.0'],
    unread: [],
  });
  expect(await upstreamPackages(checkout, 'requirements.txt')).toEqual({
    packages: ['a==1', 'b[extra]>=2'],
    unread: ['c; python_version<"3"'],
  });
  expect(await upstreamPackages({ ...checkout, paths: [] }, 'pyproject.toml')).toEqual({ packages: [], unread: [] });
});
