import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { makeObject } from '../../candidate/object-format.ts';
import type { AuditReport } from '../../domain/audit.ts';
import { STATIC_AUDITS } from '../catalogue/static-audits.ts';
import { loadTask } from '../../task/load-task.ts';
import { applyPattern, patternState } from '../../task/patterns.ts';
import { SHIPPED_TASKS } from '../../task/shipped-tasks.ts';
import type { Task } from '../../task/task.ts';
import { applyFragment, loadFragments } from '../red-team/load-fragments.ts';
import { auditChange } from './audit-change.ts';
import { changeRulesOf } from './change-rules.ts';
import { PYTHON, RULES } from './change.fixture.ts';
import { isRefusal } from './report.ts';

/** What the audits say of a change of files that a task ships. */
async function audit(
  before: ReadonlyMap<string, string>,
  after: ReadonlyMap<string, string>,
  rules: Parameters<typeof auditChange>[0]['rules'],
): Promise<readonly AuditReport[]> {
  const changed = [...after].filter(([path, text]) => before.get(path) !== text);
  return auditChange({
    changes: changed.map(([path, text]) => {
      const was = before.get(path);
      return { path, after: Buffer.from(text), ...(was === undefined ? {} : { before: Buffer.from(was) }) };
    }),
    parent: [...before].map(([path, text]) => ({ path, mode: '100644', id: makeObject('blob', Buffer.from(text)).id })),
    others: new Map(
      [...before]
        .filter(([path]) => !changed.some(([name]) => name === path))
        .map(([path, text]) => [path, Buffer.from(text)]),
    ),
    rules,
    python: PYTHON,
  });
}

function textsOf(task: Task, start?: string): Map<string, string> {
  return new Map([...task.filesFor(start)].map(([path, content]) => [path, content.toString('utf8')]));
}

test('no pattern that ships is refused or noted', async () => {
  for (const name of ['nanochat-cpu', 'null-planted']) {
    const task = await loadTask(join(SHIPPED_TASKS, name));
    for (const start of task.starts) {
      const texts = textsOf(task, start);
      for (const pattern of task.patterns.filter((one) => patternState(texts, one) === 'absent')) {
        const reports = await audit(texts, applyPattern(texts, pattern), changeRulesOf(task));
        expect([pattern.id, reports.filter(({ finding }) => finding !== 'passed')]).toEqual([pattern.id, []]);
      }
    }
  }
});

/** What the audits say of each exploit or control, applied to the program that its task ships. */
async function auditFragments(kind: 'exploit' | 'control'): Promise<Map<string, readonly AuditReport[]>> {
  const task = await loadTask(join(SHIPPED_TASKS, 'nanochat-cpu'));
  const inC = new Map<string, string>();
  for (const file of ['kernels.c', 'kernels.h'])
    inC.set(file, await readFile(join(SHIPPED_TASKS, 'kernels-cpu', file), 'utf8'));
  const header = makeObject('blob', Buffer.from(inC.get('kernels.h') ?? '')).id;
  const rulesOfC = {
    ...RULES,
    isEditable: (path: string) => path === 'kernels.c',
    protectedFiles: new Map([['kernels.h', new Set([header])]]),
  };
  const said = new Map<string, readonly AuditReport[]>();
  for (const fragment of (await loadFragments()).filter((one) => one.kind === kind)) {
    const isC = fragment.language === 'c';
    const [texts, entry] = isC ? [inC, 'kernels.c'] : [textsOf(task), 'train.py'];
    const reports = await audit(texts, applyFragment(texts, fragment, { entry }), isC ? rulesOfC : changeRulesOf(task));
    said.set(fragment.id, reports);
  }
  return said;
}

test('no honest control is refused', async () => {
  const said = await auditFragments('control');
  for (const [id, reports] of said) expect([id, reports.filter(isRefusal)]).toEqual([id, []]);
  expect(said.size).toBeGreaterThan(30);
});

test('every canary of the catalogue trips its audit', async () => {
  const said = await auditFragments('exploit');
  for (const { id, canaries, weight } of STATIC_AUDITS) {
    for (const canary of canaries) {
      const finding = said.get(canary)?.find((one) => one.audit === id)?.finding;
      expect([id, canary, finding]).toEqual([id, canary, weight === 'triage' ? 'noted' : 'fired']);
    }
  }
});
