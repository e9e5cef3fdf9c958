import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';

/** A folder with these files that vanishes at the end of the scope. */
export async function temporaryFolder(
  files: Readonly<Record<string, string>> = {},
): Promise<AsyncDisposable & { readonly path: string }> {
  const path = await mkdtemp(join(tmpdir(), 'assay-task-'));
  for (const [name, content] of Object.entries(files)) {
    await mkdir(dirname(join(path, name)), { recursive: true });
    await writeFile(join(path, name), content);
  }
  return { path, [Symbol.asyncDispose]: () => rm(path, { recursive: true, force: true }) };
}

export const MINIMAL_TASK = `name: tiny
objective: {metric: loss, direction: minimize}
files:
  editable: [train.py]
phases:
  - name: judge
    trust: judge
    command: ["{python}", judge.py, "{result}"]
`;

export const TRAIN = 'LEARNING_RATE = 1e-3\nWIDTH = 64\n';
