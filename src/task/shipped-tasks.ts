import { existsSync, readdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { join } from 'node:path';

/** Holds the tasks that ship with Assay. */
export const SHIPPED_TASKS = fileURLToPath(new URL('../../tasks', import.meta.url));

/** Their names, which commands take in place of a folder. */
export function shippedTaskNames(): string[] {
  if (!existsSync(SHIPPED_TASKS)) return [];
  return readdirSync(SHIPPED_TASKS)
    .filter((name) => existsSync(join(SHIPPED_TASKS, name, 'task.yaml')))
    .sort();
}
