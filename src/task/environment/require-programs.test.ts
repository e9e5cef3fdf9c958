import { expect, test } from 'vitest';

import { temporaryFolder } from '../load-task.fixture.ts';
import { requirePrograms } from './require-programs.ts';

const needing = (...programs: string[]) => ({ spec: { environment: { programs } } });

test('a program that is there is no reason to stop', async () => {
  await expect(requirePrograms(needing('sh'))).resolves.toBeUndefined();
  await expect(requirePrograms(needing())).resolves.toBeUndefined();
});

test('what is missing is named, with the package that has it', async () => {
  await using empty = await temporaryFolder({ cc: 'no program' });
  await expect(requirePrograms(needing('cc', 'gcc', 'sh'), [empty.path])).rejects.toMatchObject({
    code: 'program-missing',
    message: `the task needs 'cc', 'gcc', 'sh' in ${empty.path}, which this machine does not have`,
    hint: 'install it; on Debian: apt-get install gcc libc6-dev sh',
  });
});
