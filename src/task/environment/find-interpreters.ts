import { accessSync, constants, realpathSync } from 'node:fs';
import { delimiter, join } from 'node:path';

type Variables = Readonly<Record<string, string | undefined>>;

/** More than these on PATH are not looked at: each costs a start of Python. */
const MOST_INTERPRETERS = 4;

/** Absolute paths of interpreters to look at, the most wanted first: the active virtual environment, PATH, the system's. */
export function findInterpreters(variables: Variables): string[] {
  const active = variables['VIRTUAL_ENV'];
  const folders = (variables['PATH'] ?? '').split(delimiter).filter((folder) => folder.startsWith('/'));
  const paths = [...(active === undefined ? [] : [join(active, 'bin')]), ...folders, '/usr/bin', '/usr/local/bin'].map(
    (folder) => join(folder, 'python3'),
  );
  const found = new Map<string, string>();
  for (const path of paths) {
    try {
      accessSync(path, constants.X_OK);
      // Two environments may lead to one real interpreter, so the folder counts too unless it is a copy such as /bin.
      const key = path.startsWith('/bin/') ? realpathSync('/bin') + path.slice(4) : path;
      if (!found.has(key)) found.set(key, path);
    } catch {
      continue;
    }
  }
  return [...found.values()].slice(0, MOST_INTERPRETERS);
}
