import { execFileSync } from 'node:child_process';
import { join } from 'node:path';

import type { Task } from '../task.ts';
import { loadTask } from '../load-task.ts';
import { MINIMAL_TASK, TRAIN, temporaryFolder } from '../load-task.fixture.ts';

/** Writes a wheel of a package with one module, `tiny_package`, without setuptools or a network. */
export function writeWheel(folder: string, version: string): void {
  const script = `
import sys, zipfile
folder, version = sys.argv[1:]
info = f"tiny_package-{version}.dist-info"
files = {
    "tiny_package.py": f"VERSION = {version!r}\\n",
    f"{info}/METADATA": f"Metadata-Version: 2.1\\nName: tiny-package\\nVersion: {version}\\n",
    f"{info}/WHEEL": "Wheel-Version: 1.0\\nGenerator: test\\nRoot-Is-Purelib: true\\nTag: py3-none-any\\n",
}
files[f"{info}/RECORD"] = "".join(f"{name},,\\n" for name in files) + f"{info}/RECORD,,\\n"
with zipfile.ZipFile(f"{folder}/tiny_package-{version}-py3-none-any.whl", "w") as wheel:
    for name, text in files.items():
        wheel.writestr(name, text)
`;
  execFileSync('python3', ['-c', script, folder, version]);
}

/** A task that needs the package of `writeWheel`, taken from a folder and nowhere else. */
export async function taskWithPackage(wheels: string, version: string, more = ''): Promise<Task> {
  return taskOf(`environment:
  requirements: ["--no-index", "--find-links=${wheels}", tiny-package==${version}]
  imports: [tiny_package]
${more}`);
}

export async function taskOf(more: string, files: Readonly<Record<string, string>> = {}): Promise<Task> {
  await using folder = await temporaryFolder({ 'task.yaml': `${MINIMAL_TASK}${more}`, 'train.py': TRAIN, ...files });
  return await loadTask(folder.path);
}

/** A program that resolves the environment of `taskWithPackage`: argv is wheels, version, cache. Writes each step and then the interpreter. */
export const RESOLVE_PROGRAM: string = join(import.meta.dirname, 'resolve-program.fixture.ts');
