import { join } from 'node:path';
import { expect, test } from 'vitest';

import { checkKnobNames } from './check-knob-names.ts';
import { MINIMAL_TASK, temporaryFolder, TRAIN } from './load-task.fixture.ts';
import { loadTask } from './load-task.ts';
import { describeProblem } from './problem.ts';
import { SHIPPED_TASKS } from './shipped-tasks.ts';

const PYTHON = '/usr/bin/python3';
const PATTERN = `id: more
title: More
rationale: Adds a constant.
edits:
  - file: train.py
    find: WIDTH = 64
    replace: |-
      WIDTH = 64
      EXTRA = (1, 2)
`;

async function wordsFor(knobs: string): Promise<string[]> {
  await using folder = await temporaryFolder({
    'task.yaml': `${MINIMAL_TASK}patterns: patterns/*.yaml\nknobs: ${knobs}\n`,
    'train.py': `${TRAIN}BETAS = (0.9, 0.95)\nSEED = 1\n`,
    'judge.py': '',
    'patterns/more.yaml': PATTERN,
  });
  return (await checkKnobNames(PYTHON, await loadTask(folder.path))).map(describeProblem);
}

test('a constant of a start or a pattern can be named, also one that is left out', async () => {
  expect(
    await wordsFor('{exclude: [SEED, WIDTH], set: {EXTRA: {low: 1, high: 2}, "BETAS[1]": {low: 0, high: 1}}}'),
  ).toEqual([]);
  expect(await wordsFor('{only: ["train.py:WIDTH", "EXTRA[1]", BETAS]}')).toEqual([]);
});

test('any other name is a mistake, with its place and the nearest name', async () => {
  expect(
    await wordsFor('{exclude: [WIDTHS], set: {"BETAS[2]": {low: 0, high: 1}, NOTHING: {low: 0, high: 1}}}'),
  ).toEqual([
    expect.stringMatching(/^task\.yaml:\d+:\d+ knobs\.exclude\[0\]: found 'WIDTHS', .*Did you mean 'WIDTH'\?$/),
    expect.stringMatching(/found 'BETAS\[2\]'.*Did you mean 'BETAS/),
    expect.stringContaining("found 'NOTHING'"),
  ]);
});

test.each(['nanochat-cpu', 'null', 'null-planted', 'starter'])('%s names only what there is', async (name) => {
  expect(await checkKnobNames(PYTHON, await loadTask(join(SHIPPED_TASKS, name)))).toEqual([]);
});
