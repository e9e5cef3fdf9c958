import { describe, expect, test } from 'vitest';
import { importsOf, readRepositoryFile, repositoryFiles, type SourceImport } from './source-tree.ts';

const MIDDLE = ['store', 'executor', 'candidate', 'memory', 'task', 'judge', 'audit', 'proposer'];

/**
 * Which folder of src/ may import which, and nothing else. `values` is code that runs; `ports` is `import type` of another folder's
 * port (`store/store.ts`) or of types named by it: a word of the other's language, none of its behaviour. All may import src/errors.ts.
 */
const ARROWS: Readonly<Record<string, { readonly values: readonly string[]; readonly ports: readonly string[] }>> = {
  // Pure. Imports nothing of ours.
  domain: { values: [], ports: [] },
  stats: { values: [], ports: [] },
  // Pure.
  search: { values: ['domain', 'stats'], ports: [] },

  // The middle: each stands alone on domain and stats, with the exceptions said here.
  store: { values: ['domain', 'stats'], ports: [] },
  executor: { values: ['domain', 'stats'], ports: [] },
  candidate: { values: ['domain', 'stats'], ports: ['task'] },
  memory: { values: ['domain', 'stats'], ports: ['store', 'task'] },
  // Knob discovery speaks of the search's knobs.
  task: { values: ['domain', 'stats'], ports: ['search', 'candidate', 'judge'] },
  // The judge lays out a candidate by the rules of its task, and describes the run to an executor.
  judge: { values: ['domain', 'stats', 'task', 'candidate'], ports: ['executor'] },
  // An audit looks at a task's candidate and at what the judge measured.
  audit: { values: ['domain', 'stats', 'task', 'candidate'], ports: ['judge', 'executor'] },
  // The classical proposer is the search; all need the task's knobs and rules.
  proposer: { values: ['domain', 'stats', 'search', 'task'], ports: ['candidate', 'memory'] },

  engine: { values: [...MIDDLE, 'domain', 'stats', 'search'], ports: [] },
  // Derived from the log, never part of the loop.
  report: { values: ['domain', 'stats', 'store', 'task', 'candidate'], ports: ['judge', 'search'] },
  // A campaign on its way to another machine and back.
  bundle: { values: ['domain', 'store', 'executor', 'candidate', 'task', 'audit', 'engine'], ports: [] },
  server: {
    values: ['domain', 'stats', 'store', 'task', 'candidate', 'engine', 'report'],
    ports: ['executor', 'judge', 'proposer', 'search'],
  },
  cli: { values: [...MIDDLE, 'domain', 'stats', 'search', 'engine', 'report', 'server', 'bundle'], ports: [] },
};

const SHARED = ['src/errors.ts', 'src/index.ts'];

/** Ports that have adapters in folders of their own: each has a contract test that every adapter runs. */
const PORTS = ['store', 'executor', 'proposer'];

const MAX_LINES = 500;
/** Longer files, each with its reason. */
const LONGER: Readonly<Record<string, string>> = {};

const files = repositoryFiles();
const sources = files.filter((file) => file.startsWith('src/') && file.endsWith('.ts'));
const imports = new Map(sources.map((file) => [file, importsOf(file, readRepositoryFile(file))]));

describe('the architecture', () => {
  test('arrows between folders point only where the table says', () => {
    const wrong: string[] = [];
    for (const [file, targets] of imports) {
      if (isTestFile(file) || SHARED.includes(file)) continue;
      for (const target of targets) {
        const reason = whyNot(file, target);
        if (reason !== undefined) wrong.push(`${file} -> ${target.target}: ${reason}`);
      }
    }
    expect(wrong).toEqual([]);
  });

  test('the table names no arrow back', () => {
    const wrong = Object.entries(ARROWS).flatMap(([from, { values }]) =>
      values.filter((to) => reaches(to, from)).map((to) => `${from} -> ${to} -> … -> ${from}`),
    );
    expect(wrong).toEqual([]);
  });

  test('the core knows no benchmark: only the command line knows the adapters', () => {
    const wrong = [...imports].flatMap(([file, targets]) =>
      isTestFile(file) || /^src\/(cli|task\/adapters)\//.test(file)
        ? []
        : targets
            // How a line of a log is written is one thing, whoever reads it.
            .filter(({ target }) => target.startsWith('src/task/adapters/') && !target.endsWith('/validation-line.ts'))
            .map(({ target }) => `${file} -> ${target}`),
    );
    expect(wrong).toEqual([]);
  });

  test('no import goes round in a circle', () => {
    expect(findCycle()).toBeUndefined();
  });

  test('a source outside tests imports no test', () => {
    const wrong = [...imports].flatMap(([file, targets]) =>
      isTestFile(file)
        ? []
        : targets.filter(({ target }) => isTestFile(target)).map(({ target }) => `${file} -> ${target}`),
    );
    expect(wrong).toEqual([]);
  });

  test.each(PORTS)('the port %s has a contract test that its adapters run', (port) => {
    const adapters = new Set(
      sources
        .filter((file) => file.startsWith(`src/${port}/`) && file.split('/').length > 3)
        .map((file) => file.split('/')[2]),
    );
    if (adapters.size === 0) return;
    const contract = `src/${port}/${port}.contract.ts`;
    expect(sources).toContain(`src/${port}/${port}.ts`);
    expect(sources).toContain(contract);
    const users = [...imports]
      .filter(([, targets]) => targets.some(({ target }) => target === contract))
      .map(([file]) => file);
    expect(users.length).toBeGreaterThan(0);
  });
});

describe('the shape of the code', () => {
  const code = files.filter((file) => /\.(ts|js|py)$/.test(file));

  test(`no file is longer than ${MAX_LINES} lines`, () => {
    const long = code.filter((file) => lineCount(file) > MAX_LINES);
    expect(long).toEqual(Object.keys(LONGER));
  });

  test('there is no default export', () => {
    const found = code.filter((file) => {
      return (
        !file.endsWith('.config.ts') &&
        /^export\s+default\b|^export\s*\{[^}]*\bas default\b/m.test(readRepositoryFile(file))
      );
    });
    expect(found).toEqual([]);
  });

  test('no file is a place for whatever fits nowhere', () => {
    const catchAll = /(^|[/.-])(utils?|helpers?|commons?|misc|shared|manager)(\.|-|\/|$)/;
    expect(code.filter((file) => catchAll.test(file))).toEqual([]);
  });

  test('file names are in kebab-case', () => {
    const names = sources.map((file) => file.split('/').at(-1) ?? '');
    expect(names.filter((name) => !/^[a-z0-9]+(-[a-z0-9]+)*(\.(test|contract|fixture|sql))?\.ts$/.test(name))).toEqual(
      [],
    );
  });
});

function whyNot(file: string, { target, isType }: SourceImport): string | undefined {
  if (SHARED.includes(target) || target === 'package.json') return undefined;
  const [from, to] = [folderOf(file), folderOf(target)];
  if (from === to) return undefined;
  const arrows = ARROWS[from];
  if (arrows === undefined) return `the folder ${from} is not in the table`;
  if (arrows.values.includes(to)) return undefined;
  if (!arrows.ports.includes(to)) return `${from} may not know ${to}`;
  return isType ? undefined : `${from} may import only types of ${to}`;
}

function reaches(from: string, goal: string): boolean {
  return (ARROWS[from]?.values ?? []).some((next) => next === goal || reaches(next, goal));
}

/** Types count too: two files that can't be understood one after the other are one file. */
function findCycle(): string | undefined {
  const done = new Set<string>();
  const path: string[] = [];
  const visit = (file: string): string | undefined => {
    if (path.includes(file)) return [...path.slice(path.indexOf(file)), file].join(' -> ');
    if (done.has(file)) return undefined;
    path.push(file);
    for (const { target } of imports.get(file) ?? []) {
      const cycle = visit(target);
      if (cycle !== undefined) return cycle;
    }
    path.pop();
    done.add(file);
    return undefined;
  };
  for (const file of imports.keys()) {
    const cycle = visit(file);
    if (cycle !== undefined) return cycle;
  }
  return undefined;
}

/** `src/store/sqlite/x.ts` -> `store`; what is not in a folder of src/ is named by its path. */
function folderOf(file: string): string {
  const [top, folder, rest] = file.split('/');
  return top === 'src' && folder !== undefined && rest !== undefined ? folder : file;
}

function isTestFile(file: string): boolean {
  return /\.(test|fixture|contract)\.ts$/.test(file);
}

function lineCount(file: string): number {
  return readRepositoryFile(file).split('\n').length - 1;
}
