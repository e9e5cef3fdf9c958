import { execFileSync } from 'node:child_process';
import path from 'node:path';
import { CATALOGUE, idsThatRun } from '../../src/audit/catalogue/catalogue.ts';
import { openIntegrity } from '../../src/audit/environment/open-integrity.ts';
import { auditChange } from '../../src/audit/static/audit-change.ts';
import { changeRulesOf } from '../../src/audit/static/change-rules.ts';
import { quantile } from '../../src/stats/summary.ts';
import { defaultCacheRoot } from '../../src/task/environment/cache-root.ts';
import { prepareData } from '../../src/task/environment/prepare-data.ts';
import { resolveEnvironment } from '../../src/task/environment/resolve-environment.ts';
import { loadTask } from '../../src/task/load-task.ts';
import { REPOSITORY } from '../campaign.ts';
import type { Section } from './section.ts';

const REPEATS = 15;

/** Every audit there is, and what those cost that need no run: all of them together, on one change of each shipped task. */
export async function catalogueSection(): Promise<Section> {
  const lines = [...CATALOGUE.values()].map(
    ({ id, version, runs, weight, title }) =>
      `${id.padEnd(26)} v${version}  ${runs.padEnd(10)} ${weight.padEnd(8)} ${title}`,
  );
  const costs = [
    await changeCost('tasks/nanochat-cpu', 'train.py'),
    await changeCost('tasks/kernels-cpu', 'kernels.c'),
  ];
  const integrity = await integrityCost();
  lines.push('', ...costs.map(({ words }) => words), integrity.words);
  return { title: `${CATALOGUE.size} audits`, lines, numbers: { audits: [...CATALOGUE.values()], costs, integrity } };
}

async function changeCost(folder: string, file: string): Promise<{ words: string; milliseconds: readonly number[] }> {
  const task = await loadTask(path.join(REPOSITORY, folder));
  const files = task.filesFor(task.starts[0]);
  const before = files.get(file);
  if (!before) throw new Error(`${folder} has no ${file}`);
  const python = execFileSync('python3', ['-c', 'import sys; print(sys.executable)'], { encoding: 'utf8' }).trim();
  const milliseconds: number[] = [];
  for (let repeat = 0; repeat <= REPEATS; repeat += 1) {
    const added = file.endsWith('.py') ? `\nNEW_CONSTANT_${repeat} = ${repeat}\n` : `\nstatic int added_${repeat};\n`;
    const startedAt = performance.now();
    await auditChange({
      changes: [{ path: file, before, after: Buffer.concat([before, Buffer.from(added)]) }],
      parent: [],
      others: new Map([...files].filter(([name]) => name !== file)),
      rules: changeRulesOf(task),
      python,
    });
    // The first one starts the parser's process, which later ones find running.
    if (repeat > 0) milliseconds.push(performance.now() - startedAt);
  }
  const [low, middle, high] = [0, 0.5, 1].map((share) => quantile(milliseconds, share).toFixed(1));
  const count = idsThatRun('change').length;
  const words = `${count} audits of one change of ${folder}/${file}: ${middle} ms together (${low} to ${high}, n = ${REPEATS})`;
  return { words, milliseconds };
}

/** The audits of a batch: the environment with its packages, the judge, the task, its data. */
async function integrityCost(): Promise<{ words: string; milliseconds: readonly number[] }> {
  const task = await loadTask(path.join(REPOSITORY, 'tasks/nanochat-cpu'));
  const environment = await resolveEnvironment(task);
  const data = await prepareData(task, environment);
  const integrity = await openIntegrity({
    environment,
    judgePackage: path.join(REPOSITORY, 'python'),
    taskFolder: task.folder,
    ...(data ? { dataDirectory: data.directory } : {}),
    cacheRoot: defaultCacheRoot(),
  });
  const milliseconds: number[] = [];
  for (let repeat = 0; repeat < REPEATS; repeat += 1) {
    const startedAt = performance.now();
    await integrity.check();
    milliseconds.push(performance.now() - startedAt);
  }
  const [low, middle, high] = [0, 0.5, 1].map((share) => quantile(milliseconds, share).toFixed(0));
  const count = idsThatRun('batch').length;
  const words = `${count} audits of what trials rely on, torch and all: ${middle} ms together (${low} to ${high}, n = ${REPEATS})`;
  return { words, milliseconds };
}
