import { existsSync, mkdirSync, readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, expect, test } from 'vitest';
import { temporaryRepository } from '../candidate/temporary-repository.fixture.ts';
import type { CandidateId } from '../domain/ids.ts';
import { trialId, experimentId } from '../domain/ids.ts';
import type { Stage } from '../domain/trial.ts';
import type { JudgePhase, JudgeProcess, JudgeTask } from './judge-task.ts';
import { createTaskJudge, type TaskJudgeOptions } from './task-judge.ts';

const host: JudgeProcess = {
  trust: 'candidate',
  command: ['{python}', '-I', 'host.py', '{seed}'],
  data: [],
  variables: {},
};
const phases: JudgePhase[] = [
  {
    name: 'smoke',
    trust: 'candidate',
    command: ['true'],
    data: [],
    variables: {},
    timeoutSeconds: 5,
    stages: ['screen'],
  },
  {
    name: 'train',
    trust: 'candidate',
    command: ['{python}', '{workspace}/train.py', '--out', '{output}'],
    data: [{ from: 'train', to: '/data/train' }],
    variables: { EXTRA: '{seed}' },
    timeoutSeconds: 60,
    budget: { limitSeconds: 10, graceSeconds: 0.5 },
  },
  {
    name: 'evaluate',
    trust: 'judge',
    command: ['{python}', '-I', '{result}', '{seed}', '{stage}'],
    data: [{ from: '.', to: '/held' }],
    variables: {},
    timeoutSeconds: 30,
    peer: host,
  },
];
const task: JudgeTask = {
  objective: { metric: 'loss', direction: 'minimize' },
  protectedFiles: new Map([
    ['lib/protected.py', Buffer.from('trusted')],
    ['fixed', Buffer.from('fixed')],
  ]),
  isEditable: (path) => path.endsWith('.py') || path === 'fixed' || path.startsWith('fixed/'),
  phases,
  resources: { memoryBytes: 100, processes: 10, outputBytes: 1000 },
  seedVariable: 'ASSAY_SEED',
  range: {},
  guards: [],
  variables: { ASSAY_STAGE: 'forged', OMP_NUM_THREADS: '1' },
};
const secret = 'a secret of the campaign';

let releases = new AsyncDisposableStack();
afterEach(async () => {
  await releases.disposeAsync();
  releases = new AsyncDisposableStack();
});

async function prepare(stage: Stage = 'confirm', change: Partial<TaskJudgeOptions> = {}) {
  const temporary = releases.use(await temporaryRepository());
  const candidate = await temporary.commit({
    'train.py': 'mine',
    'lib/protected.py': 'forged',
    'lib/own.py': 'o',
    secret: 'x',
    'fixed/trap.py': 't',
  });
  const directory = join(temporary.folder, 'attempt');
  mkdirSync(directory);
  const judge = createTaskJudge({
    task,
    repository: temporary.repository,
    secret,
    python: '/env/bin/python',
    pythonMounts: [{ source: '/env', target: '/env' }],
    judgePackage: '/package',
    dataDirectory: '/prepared',
    ...change,
  });
  const attempt = await judge.prepare({ plan: plan(stage, candidate), token: 'token', slot: 1, directory });
  return { attempt, directory };
}

function plan(stage: Stage, candidate: CandidateId) {
  return {
    trial: trialId(1),
    experiment: experimentId(1),
    candidate,
    stage,
    arm: 'candidate' as const,
    pair: 0,
    seed: 42,
  };
}

test('the workspace holds the editable files of the candidate and the protected ones of the task', async () => {
  const { directory } = await prepare();
  const workspace = join(directory, 'workspace');
  expect(
    readdirSync(workspace, { recursive: true, encoding: 'utf8' }).toSorted((left, right) => (left < right ? -1 : 1)),
  ).toEqual(['fixed', 'lib', 'lib/own.py', 'lib/protected.py', 'train.py']);
  expect(readFileSync(join(workspace, 'lib/protected.py'), 'utf8')).toBe('trusted');
  expect(readFileSync(join(workspace, 'fixed'), 'utf8')).toBe('fixed');
  expect(existsSync(join(directory, 'output')) && existsSync(join(directory, 'result'))).toBe(true);
});

test('each process sees what it may, and no more', async () => {
  const { attempt, directory } = await prepare();
  expect(attempt).toMatchObject({ token: 'token', slot: 1 });
  const [training, judging] = attempt.phases;
  const hosting = judging?.peer;
  if (training === undefined || judging === undefined || hosting === undefined) throw new Error('phases are missing');
  expect([training.name, judging.name]).toEqual(['train', 'evaluate']);
  expect(training.command).toEqual(['/env/bin/python', '/workspace/train.py', '--out', '/output']);
  const targets = (run: { mounts: readonly { target: string; writable?: boolean }[] }) =>
    run.mounts
      .filter((mount) => !mount.target.startsWith('/assay'))
      .map((mount) => mount.target + (mount.writable ? ' writable' : ''));
  expect(targets(training)).toEqual(['/env', '/data/train', '/workspace', '/output writable']);
  expect(targets(hosting)).toEqual(['/env', '/workspace', '/output']);
  expect(targets(judging)).toEqual(['/env', '/held', '/workspace', '/output', '/result writable']);
  expect(judging.mounts.find((mount) => mount.target === '/result')?.source).toBe(join(directory, 'result'));
  for (const run of [training, hosting]) {
    const seen = run.mounts.map((mount) => mount.source);
    expect(seen).not.toContain('/package');
    expect(seen.some((source) => source.includes('language_model'))).toBe(false);
  }
});

test('a candidate learns the trial seed and nothing of the stage; the judge has a seed of its own', async () => {
  const screened = await prepare('screen', { task: { ...task, variables: {} } });
  const confirmed = await prepare('confirm', { task: { ...task, variables: {} } });
  const [, screenTrain, screenJudge] = screened.attempt.phases;
  const [train, judge] = confirmed.attempt.phases;
  expect(screened.attempt.phases.map((phase) => phase.name)).toEqual(['smoke', 'train', 'evaluate']);
  expect(train?.environment).toEqual(screenTrain?.environment);
  expect(train?.environment).toMatchObject({
    ASSAY_SEED: '42',
    EXTRA: '42',
    ASSAY_BUDGET_SECONDS: '10',
    ASSAY_DATA: '/data/train',
    ASSAY_OUTPUT: '/output',
    HOME: '/tmp',
  });
  expect(train?.environment).not.toHaveProperty('ASSAY_STAGE');
  expect(judge?.peer?.environment).toMatchObject({ ASSAY_SEED: '42' });
  expect(judge?.peer?.environment).not.toHaveProperty('ASSAY_STAGE');
  expect(judge?.environment).toMatchObject({ ASSAY_STAGE: 'confirm', PYTHONSAFEPATH: '1' });
  const judgeSeed = judge?.environment['ASSAY_SEED'];
  expect(judgeSeed).not.toBe('42');
  expect(judgeSeed).toBe(screenJudge?.environment['ASSAY_SEED']); // the arms of a pair are judged alike
  expect(judge?.command.slice(2)).toEqual(['/result/result.json', judgeSeed, 'confirm']);
  const other = await prepare('confirm', { secret: 'another secret of a campaign' });
  expect(other.attempt.phases[1]?.environment['ASSAY_SEED']).not.toBe(judgeSeed);
});

test.each([
  ['the stage', { ...host, command: ['x', '{stage}'] }],
  ['the result', { ...host, variables: { X: '{result}' } }],
])('a task that gives %s to a candidate is refused', (_, peer) => {
  const bad = { ...task, phases: [{ ...(phases[2] as JudgePhase), peer }] };
  const options = {
    task: bad,
    repository: { checkout: () => Promise.resolve() },
    secret,
    python: 'p',
    pythonMounts: [],
    judgePackage: '/package',
  };
  expect(() => createTaskJudge(options)).toThrow('to the candidate');
});

test('data outside the prepared data, and data that was not prepared, are refused', async () => {
  const outside = { ...task, phases: [{ ...(phases[1] as JudgePhase), data: [{ from: 'a/../../b', to: '/d' }] }] };
  await expect(prepare('confirm', { task: outside })).rejects.toThrow('outside the prepared data');
  await expect(prepare('confirm', { dataDirectory: undefined as never })).rejects.toThrow('none was prepared');
});

test('a phase with an exchange shares one folder with its peer, which both may write, and no other phase sees it', async () => {
  const exchanging = { ...task, phases: [phases[1], { ...(phases[2] as JudgePhase), exchange: true }] as JudgePhase[] };
  const { attempt, directory } = await prepare('confirm', { task: exchanging });
  const [train, judge] = attempt.phases;
  const shared = { source: join(directory, 'exchange', 'evaluate'), target: '/exchange', writable: true };
  expect(judge?.mounts).toContainEqual(shared);
  expect(judge?.peer?.mounts).toContainEqual(shared);
  expect(judge?.environment).toMatchObject({ ASSAY_EXCHANGE: '/exchange' });
  expect(judge?.peer?.environment).toMatchObject({ ASSAY_EXCHANGE: '/exchange' });
  expect(train?.mounts.map(({ target }) => target)).not.toContain('/exchange');
  expect(train?.environment).not.toHaveProperty('ASSAY_EXCHANGE');
  expect(readdirSync(shared.source)).toEqual([]);
});

test('an exchange without a peer is refused', async () => {
  const { peer: _, ...alone } = phases[2] as JudgePhase;
  await expect(prepare('confirm', { task: { ...task, phases: [{ ...alone, exchange: true }] } })).rejects.toThrow(
    "phase 'evaluate' has an exchange and no peer",
  );
});

test('a candidate sees the modules that build and host kernels and none that judges them', async () => {
  const { attempt } = await prepare('confirm');
  const modules = attempt.phases[0]?.mounts.map(({ target }) => target).filter((path) => path.includes('/kernel_'));
  expect(modules).toEqual(['build', 'host', 'loop', 'protocol'].map((name) => `/assay/assay_judge/kernel_${name}.py`));
  const gpu = attempt.phases[0]?.mounts.map(({ target }) => target).filter((path) => path.includes('/gpu_kernel_'));
  const names = ['host', 'inputs', 'protocol', 'reference', 'schema', 'sets', 'share', 'spans', 'state'];
  expect(gpu).toEqual(names.map((name) => `/assay/assay_judge/gpu_kernel_${name}.py`));
});

test('a host of GPU kernels starts with the modules that a candidate sees', async () => {
  const { attempt } = await prepare('confirm');
  const seen = new Map(attempt.phases[0]?.mounts.map(({ source, target }) => [target, source]));
  const waiting = ['gpu_kernel_host'];
  const needed = new Set(waiting);
  for (const name of waiting) {
    const source = seen.get(`/assay/assay_judge/${name}.py`);
    expect(source, name).toBeDefined();
    const text = readFileSync(join(import.meta.dirname, '../../python/assay_judge', `${name}.py`), 'utf8');
    for (const [, module, one] of text.matchAll(/^from assay_judge(?:\.(\w+)| import (\w+))/gm)) {
      const next = module ?? one ?? '';
      if (!needed.has(next)) waiting.push(next);
      needed.add(next);
    }
  }
  expect(waiting.length).toBeGreaterThan(8);
});
