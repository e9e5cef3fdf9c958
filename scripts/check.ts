/**
 * `npm run check`: everything that can be said of the code without running it, at once. One line a check; the words of those that failed.
 *
 * `npm run check -- lint types` runs only the checks named.
 */
import path from 'node:path';
import { ensureRuff } from './python-environment.ts';
import { runCommand, type CommandEnd } from './run-command.ts';

type Command = readonly [string, ...string[]];

const ROOT = path.resolve(import.meta.dirname, '..');

/** A tool of node_modules, by this Node whatever its first line says. */
function tool(name: string): Command {
  return [path.join(ROOT, 'node_modules', '.bin', name)];
}

function withRuff(args: readonly string[]): () => Promise<CommandEnd> {
  return async () => {
    const ruff = await ensureRuff();
    if (ruff === undefined) return { exitCode: 1, output: 'ruff is not here and could not be installed\n', seconds: 0 };
    return run([ruff, ...args]);
  };
}

function run(command: Command): Promise<CommandEnd> {
  const nodeFolder = path.dirname(process.execPath);
  const env = { ...process.env, PATH: `${nodeFolder}${path.delimiter}${process.env['PATH'] ?? ''}` };
  return runCommand(command, { cwd: ROOT, env });
}

const vitest = path.join(ROOT, 'node_modules', 'vitest', 'vitest.mjs');
const architectureTests = ['test/architecture.test.ts', 'test/hygiene.test.ts'];

const CHECKS: Readonly<Record<string, () => Promise<CommandEnd>>> = {
  types: () => run([...tool('tsc'), '--noEmit', '--pretty', 'false']),
  lint: () => run([...tool('oxlint'), '--type-aware', '--deny-warnings']),
  format: () => run([...tool('oxfmt'), '--list-different']),
  'dead code': () => run([...tool('knip'), '--no-progress', '--no-config-hints']),
  architecture: () => run([process.execPath, vitest, 'run', '--reporter=dot', ...architectureTests]),
  'python lint': withRuff(['check', '--quiet', '--output-format=concise', 'python', 'tasks']),
  'python format': withRuff(['format', '--quiet', '--check', 'python', 'tasks']),
  docs: () => run([process.execPath, path.join(ROOT, 'scripts', 'generate-docs.ts'), '--check']),
};

const wanted = process.argv.slice(2);
const unknown = wanted.filter((name) => !(name in CHECKS));
if (unknown.length > 0) {
  process.stderr.write(`no such check: ${unknown.join(', ')}. There are: ${Object.keys(CHECKS).join(', ')}\n`);
  process.exit(64);
}
// Once before the checks that share it run side by side.
if (wanted.length === 0 || wanted.some((name) => name.startsWith('python'))) await ensureRuff();

const startedAt = performance.now();
const selected = Object.entries(CHECKS).filter(([name]) => wanted.length === 0 || wanted.includes(name));
const failures: string[] = [];
await Promise.all(
  selected.map(async ([name, start]) => {
    const end = await start();
    const mark = end.exitCode === 0 ? 'ok    ' : 'FAILED';
    process.stdout.write(`${mark}  ${name.padEnd(14)} ${end.seconds.toFixed(1)} s\n`);
    if (end.exitCode !== 0) failures.push(`\n--- ${name}\n${end.output.trimEnd()}\n`);
  }),
);
process.stdout.write(failures.join(''));
const seconds = ((performance.now() - startedAt) / 1000).toFixed(1);
process.stdout.write(`\n${selected.length - failures.length} of ${selected.length} checks passed in ${seconds} s\n`);
process.exitCode = failures.length > 0 ? 1 : 0;
