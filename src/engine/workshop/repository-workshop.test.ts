import { execFileSync } from 'node:child_process';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { STATIC_AUDITS } from '../../audit/catalogue/static-audits.ts';
import { temporaryRepository, type TemporaryRepository } from '../../candidate/temporary-repository.fixture.ts';
import { HandMadeCampaign } from '../../domain/hand-made-campaign.fixture.ts';
import type { Change } from '../../domain/hypothesis.ts';
import { BASELINE_EXPERIMENT, type ExperimentId } from '../../domain/ids.ts';
import { loadTask } from '../../task/load-task.ts';
import { MINIMAL_TASK, temporaryFolder } from '../../task/load-task.fixture.ts';
import type { Task } from '../../task/task.ts';
import { proposalEvents } from '../propose.ts';
import { createWorkshop } from './repository-workshop.ts';
import type { Implementation, Workshop } from './workshop.ts';

const PYTHON = execFileSync('python3', ['-c', 'import sys; print(sys.executable)'], { encoding: 'utf8' }).trim();

const TRAIN = `"""Trains."""
BETAS = (0.9, 0.95)
LEARNING_RATE = 0.01
WIDTH = 64
NAME = "plain"


def step(x):
    y = x * LEARNING_RATE
    return y + WIDTH
`;

const PATTERN = `id: squared
title: square it
kind: algorithmic
source: made up
rationale: Squares are larger.
edits:
  - { file: train.py, find: "return y + WIDTH", replace: "return y * y + WIDTH" }
`;

let task: Task;
let folder: Awaited<ReturnType<typeof temporaryFolder>>;
let candidates: TemporaryRepository;
let workshop: Workshop;
let campaign: HandMadeCampaign;

beforeAll(async () => {
  folder = await temporaryFolder({
    'task.yaml': `${MINIMAL_TASK}patterns: patterns/*.yaml\n`,
    'train.py': TRAIN,
    'judge.py': 'print()\n',
    'patterns/squared.yaml': PATTERN,
  });
  task = await loadTask(folder.path);
  candidates = await temporaryRepository();
  const baseline = await candidates.commit({ 'train.py': TRAIN });
  campaign = new HandMadeCampaign({ baseline });
  workshop = createWorkshop({ repository: candidates.repository, task, python: PYTHON });
});

afterAll(async () => {
  await candidates[Symbol.asyncDispose]();
  await folder[Symbol.asyncDispose]();
});

function implement(parent: ExperimentId, change: Change): Promise<Implementation> {
  const hypothesis = { kind: 'algorithmic', statement: 'it helps', rationale: 'made up' } as const;
  return workshop.implement({ operator: 'invent', proposer: 'hand', parent, hypothesis, change }, campaign.state);
}

/** Implements and enters it into the campaign, as the engine does. */
async function experiment(parent: ExperimentId, change: Change): Promise<ExperimentId> {
  const made = await implement(parent, change);
  if (made.kind !== 'candidate') throw new Error(made.reason);
  const hypothesis = { kind: 'algorithmic', statement: 'it helps', rationale: 'made up' } as const;
  const proposal = { operator: 'invent', proposer: 'hand', parent, hypothesis, change } as const;
  const { events, experiment: id } = proposalEvents(campaign.state, proposal, made);
  // A repeated tree belongs to the experiment that had it first.
  const known = id ?? campaign.state.trees.get(made.tree);
  if (!known) throw new Error('the proposal was turned back');
  if (id) campaign.write(...events);
  return known;
}

async function textOf(made: Implementation): Promise<string> {
  if (made.kind !== 'candidate') throw new Error(made.reason);
  return String(await candidates.repository.readFile(made.candidate, 'train.py'));
}

const knobs = (values: Extract<Change, { type: 'knobs' }>['values']): Change => ({ type: 'knobs', values });
const edited = (from: string, to: string): Change => ({
  type: 'files',
  files: { 'train.py': TRAIN.replace(from, to) },
});

async function merge(ours: ExperimentId, theirs: ExperimentId): Promise<Implementation> {
  const other = campaign.experiment(theirs).candidate;
  if (!other) throw new Error('nothing to merge');
  return implement(ours, { type: 'merge', other, otherExperiment: theirs });
}

test('a knob changes its number and not a byte more', async () => {
  const made = await implement(BASELINE_EXPERIMENT, knobs({ WIDTH: 128 }));
  expect(await textOf(made)).toBe(TRAIN.replace('WIDTH = 64', 'WIDTH = 128'));
  expect(made).toMatchObject({ kind: 'candidate', filesChanged: 1, linesAdded: 1, linesRemoved: 1 });
});

test('a knob that is unknown, or a value of the wrong kind, is a build failure that names it', async () => {
  expect(await implement(BASELINE_EXPERIMENT, knobs({ HEIGHT: 1 }))).toMatchObject({
    kind: 'failed',
    failure: 'build',
    reason: expect.stringContaining('HEIGHT'),
  });
  expect(await implement(BASELINE_EXPERIMENT, knobs({ WIDTH: 1.5 }))).toMatchObject({ failure: 'build' });
});

test('a pattern is applied and removed without a trace; twice is a conflict', async () => {
  const apply: Change = { type: 'pattern', pattern: 'squared', action: 'apply' };
  const applied = await experiment(BASELINE_EXPERIMENT, apply);
  const removed = await implement(applied, { ...apply, action: 'remove' });
  expect(await textOf(removed)).toBe(TRAIN);
  expect(await implement(applied, apply)).toMatchObject({ kind: 'failed', failure: 'conflict' });
  expect(await implement(BASELINE_EXPERIMENT, { ...apply, action: 'remove' })).toMatchObject({ failure: 'conflict' });
  expect(await implement(BASELINE_EXPERIMENT, { ...apply, pattern: 'cubed' })).toMatchObject({ failure: 'build' });
});

test('branches that tuned neighbouring lines combine to both values', async () => {
  const one = await experiment(BASELINE_EXPERIMENT, knobs({ LEARNING_RATE: 0.02 }));
  const two = await experiment(BASELINE_EXPERIMENT, knobs({ WIDTH: 128 }));
  const text = await textOf(await merge(one, two));
  expect(text).toBe(TRAIN.replace('0.01', '0.02').replace('WIDTH = 64', 'WIDTH = 128'));
});

test('branches that tuned one line combine by applying their knobs again, and say so', async () => {
  const one = await experiment(BASELINE_EXPERIMENT, knobs({ 'BETAS[0]': 0.8 }));
  const lower = await experiment(BASELINE_EXPERIMENT, knobs({ 'BETAS[1]': 0.99 }));
  const two = await experiment(lower, knobs({ WIDTH: 32 }));
  const merged = await merge(one, two);
  expect(await textOf(merged)).toBe(TRAIN.replace('(0.9, 0.95)', '(0.8, 0.99)').replace('WIDTH = 64', 'WIDTH = 32'));
  expect(merged).toMatchObject({ remarks: [expect.stringContaining('2 structured changes were applied again')] });
});

test('free texts that collide are a conflict with the file and words, and nothing is half merged', async () => {
  const one = await experiment(BASELINE_EXPERIMENT, edited('y = x * LEARNING_RATE', 'y = x - LEARNING_RATE'));
  const two = await experiment(BASELINE_EXPERIMENT, edited('y = x * LEARNING_RATE', 'y = LEARNING_RATE ** x'));
  const merged = await merge(one, two);
  expect(merged).toMatchObject({ kind: 'failed', failure: 'conflict' });
  if (merged.kind === 'failed') expect(merged.reason).toMatch(/the branches don't combine: train\.py: .+/);
});

test('undoing a knob step restores the older value and keeps what came after it', async () => {
  const step = knobs({ LEARNING_RATE: 0.05 });
  const first = await experiment(BASELINE_EXPERIMENT, step);
  const second = await experiment(first, knobs({ WIDTH: 256 }));
  const undone = await implement(second, { type: 'undo', experiment: first, change: step });
  expect(await textOf(undone)).toBe(TRAIN.replace('WIDTH = 64', 'WIDTH = 256'));
});

test('undoing a pattern step removes it, and keeps what came after it', async () => {
  const step: Change = { type: 'pattern', pattern: 'squared', action: 'apply' };
  const first = await experiment(BASELINE_EXPERIMENT, step);
  const second = await experiment(first, knobs({ WIDTH: 16 }));
  const undone = await implement(second, { type: 'undo', experiment: first, change: step });
  expect(await textOf(undone)).toBe(TRAIN.replace('WIDTH = 64', 'WIDTH = 16'));
});

test('undoing a free change reverses its diff, or is a conflict when later changes stand on it', async () => {
  const step = edited('return y + WIDTH', 'return y - WIDTH');
  const first = await experiment(BASELINE_EXPERIMENT, step);
  const second = await experiment(first, knobs({ LEARNING_RATE: 0.03 }));
  const undo: Change = { type: 'undo', experiment: first, change: { type: 'files', files: { 'train.py': null } } };
  expect(await textOf(await implement(second, undo))).toBe(TRAIN.replace('0.01', '0.03'));
  const third = await experiment(first, edited('return y + WIDTH', 'return (y - WIDTH) / 2'));
  expect(await implement(third, undo)).toMatchObject({ kind: 'failed', failure: 'conflict' });
});

test('a change of a file that is not the candidate’s to change is refused, also a new or removed one', async () => {
  for (const files of [{ 'judge.py': 'print(0)\n' }, { 'sitecustomize.py': 'import os\n' }, { '../out.py': '1\n' }]) {
    expect(await implement(BASELINE_EXPERIMENT, { type: 'files', files })).toMatchObject({
      kind: 'failed',
      failure: 'build',
      reason: expect.stringContaining('not among the files that a candidate may change'),
    });
  }
});

test('a diff that reaches outside the editable files is refused as well', async () => {
  const diff = '--- /dev/null\n+++ b/judge.py\n@@ -0,0 +1 @@\n+print(0)\n';
  expect(await implement(BASELINE_EXPERIMENT, { type: 'diff', diff })).toMatchObject({
    kind: 'failed',
    failure: 'build',
  });
});

test('a change that leaves every file as it was is a build failure', async () => {
  expect(await implement(BASELINE_EXPERIMENT, knobs({ WIDTH: 64 }))).toEqual({
    kind: 'failed',
    failure: 'build',
    reason: 'the change leaves every file as it was',
  });
  expect((await implement(BASELINE_EXPERIMENT, { type: 'files', files: {} })).kind).toBe('failed');
});

test('files with the very text that they had are no change either', async () => {
  const made = await implement(BASELINE_EXPERIMENT, { type: 'files', files: { 'train.py': TRAIN } });
  // As an experiment it is turned back in any case: its tree is that of the starting point.
  const tree = await candidates.repository.treeOf(campaign.state.baseline);
  if (made.kind === 'candidate') expect(made.tree).toBe(tree);
  else expect(made.failure).toBe('build');
});

test('the audits of the change come with the candidate, and with a refusal', async () => {
  const ids = STATIC_AUDITS.map(({ id }) => id);
  const made = await implement(BASELINE_EXPERIMENT, edited('y = x *', 'import ctypes\n    y = x *'));
  expect(made).toMatchObject({ kind: 'candidate', remarks: [expect.stringContaining('ctypes')] });
  expect(made.audits?.map(({ audit }) => audit)).toEqual(ids);
  const refused = await implement(BASELINE_EXPERIMENT, { type: 'files', files: { 'train.py': 'x = "\u0000"\n' } });
  expect(refused).toMatchObject({ kind: 'failed', reason: expect.stringMatching(/^text-only: /) });
  expect(refused.audits?.filter(({ finding }) => finding === 'fired').map(({ audit }) => audit)).toEqual(['text-only']);
});

test('what git has combined is audited like any other change', async () => {
  const one = await experiment(BASELINE_EXPERIMENT, knobs({ LEARNING_RATE: 0.03 }));
  const two = await experiment(BASELINE_EXPERIMENT, edited('return y + WIDTH', 'import ctypes\n    return y + WIDTH'));
  const merged = await merge(one, two);
  expect(merged).toMatchObject({ kind: 'candidate', remarks: [expect.stringContaining('ctypes')] });
  expect(merged.audits?.map(({ audit }) => audit)).toEqual(STATIC_AUDITS.map(({ id }) => id));
});

test('a measurement that is repeated changes no file, and says so', async () => {
  const repeated = await implement(BASELINE_EXPERIMENT, { type: 'none' });
  expect(repeated.kind).toBe('candidate');
  expect(repeated.audits?.every(({ finding }) => finding === 'passed')).toBe(true);
});

test('the same proposal on the same state gives the same commit, byte for byte', async () => {
  const [first, second] = [
    await implement(BASELINE_EXPERIMENT, knobs({ WIDTH: 8 })),
    await implement(BASELINE_EXPERIMENT, knobs({ WIDTH: 8 })),
  ];
  expect(first).toEqual(second);
  expect(first.kind).toBe('candidate');
});
