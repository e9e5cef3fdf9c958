import { existsSync } from 'node:fs';
import path from 'node:path';
import { SHIPPED_TASKS } from '../task/shipped-tasks.ts';

/** A task by its folder, or by the name of one that ships with Assay. A folder of that name wins. */
export function taskFolder(directory: string, nameOrPath: string): string {
  const given = path.resolve(directory, nameOrPath);
  if (existsSync(given) || !/^[\w-]+$/.test(nameOrPath)) return given;
  const shipped = path.join(SHIPPED_TASKS, nameOrPath);
  return existsSync(path.join(shipped, 'task.yaml')) ? shipped : given;
}
