import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { experimentId } from '../domain/ids.ts';
import { openCandidateRepository } from './candidate-repository.ts';
import { temporaryRepository } from './temporary-repository.fixture.ts';

function startCommitting(directory: string, first: number, count: number): ChildProcess {
  const program = join(import.meta.dirname, 'committing-process.fixture.ts');
  return spawn(
    process.execPath,
    ['--disable-warning=ExperimentalWarning', program, directory, `${first}`, `${count}`],
    { stdio: ['ignore', 'pipe', 'inherit'] },
  );
}

test('two processes that commit at once, with a third that packs, lose nothing', { timeout: 30_000 }, async () => {
  await using temporary = await temporaryRepository();
  const { repository } = temporary;
  const children = [startCommitting(repository.directory, 1000, 150), startCommitting(repository.directory, 2000, 150)];
  const exits = Promise.all(children.map(async (child) => (await once(child, 'exit'))[0] as unknown));
  await Promise.all(children.map((child) => once(child.stdout as NodeJS.ReadableStream, 'data')));
  await repository.maintain({ looseObjects: 0 });
  await repository.maintain({ looseObjects: 0 });
  expect(await exits).toEqual([0, 0]);
  expect(temporary.fsck()).toBe('');
  for (const first of [1000, 2000]) {
    const last = await repository.find(experimentId(first + 149));
    expect(last && (await repository.log(last)).length).toBe(151);
  }
});

test('killed at any moment, the repository is sound and takes commits', { timeout: 30_000 }, async () => {
  await using temporary = await temporaryRepository();
  const { repository } = temporary;
  for (let round = 1; round <= 5; round++) {
    const child = startCommitting(repository.directory, round * 1000, 900);
    const exit = once(child, 'exit');
    await once(child.stdout as NodeJS.ReadableStream, 'data');
    await sleep(3 + round * 9);
    child.kill('SIGKILL');
    await exit;
    expect(temporary.fsck()).toBe('');
  }
  await using again = await openCandidateRepository(repository.directory);
  const kept = await again.find(experimentId(1000));
  if (kept === undefined) throw new Error('the candidate is gone');
  const next = await again.commitChange({
    parent: kept,
    changes: new Map([['f', 'after']]),
    message: 'm',
    at: 0,
    experiment: experimentId(1),
  });
  expect(temporary.git('show', `${next}:f`)).toBe('after');
});
