import { join } from 'node:path';
import { expect, test } from 'vitest';
import { MINIMAL_TASK, temporaryFolder } from '../../task/load-task.fixture.ts';
import { loadTask } from '../../task/load-task.ts';
import { SHIPPED_TASKS } from '../../task/shipped-tasks.ts';
import { changeRulesOf } from './change-rules.ts';

test('a task with a candidate of its own: what it documents, imports and protects', async () => {
  const rules = changeRulesOf(await loadTask(join(SHIPPED_TASKS, 'nanochat-cpu')));
  expect(rules.isReadByJudge).toBe(false);
  expect([...rules.protectedFiles.keys()]).toEqual(['harness.py']);
  expect([...rules.protectedFiles.values()].map((ids) => ids.size)).toEqual([1]);
  for (const name of ['torch', 'numpy', 'harness', 'collections']) expect(rules.modules).toContain(name);
  expect(rules.variables).toContain('OMP_NUM_THREADS');
  expect(rules.variables).not.toContain('ASSAY_STAGE');
  // Where the judge finds held-out data is no folder of the candidate's.
  expect(rules.folders).toEqual(['/workspace', '/output', '/tmp', '/dev/null', '/data']);
});

test('a judge that is given the program’s text, or that runs nothing of the candidate’s, may read constants itself', async () => {
  expect(changeRulesOf(await loadTask(join(SHIPPED_TASKS, 'null'))).isReadByJudge).toBe(true);
  await using folder = await temporaryFolder({
    'task.yaml': MINIMAL_TASK.replace(
      'phases:',
      'phases:\n  - { name: run, trust: candidate, command: ["{python}", train.py] }',
    ),
    'train.py': 'A = 1\n',
    'judge.py': '',
  });
  expect(changeRulesOf(await loadTask(folder.path)).isReadByJudge).toBe(false);
});
