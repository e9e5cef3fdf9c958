import { execFileSync, spawnSync } from 'node:child_process';
import { expect, test } from 'vitest';
import { completionScript } from './completion-script.ts';
import { createProgram } from './program.ts';
import { cliReference } from './reference.ts';

/** What a real bash offers for a line that is being typed. */
function complete(...words: readonly string[]): readonly string[] {
  const script = `${completionScript(createProgram(), 'bash')}
COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _assay; printf '%s\\n' "\${COMPREPLY[@]}"`;
  const text = execFileSync('bash', ['--norc', '-c', script, 'bash', ...words], { encoding: 'utf8' });
  return text.split('\n').filter(Boolean);
}

test('bash completes commands, their options and the values of options', () => {
  expect(complete('assay', 'res')).toContain('results');
  expect(complete('assay', '')).toEqual(expect.arrayContaining(['status', 'run', 'export', 'completion']));
  expect(complete('assay', 'results', '--')).toEqual(expect.arrayContaining(['--top', '--json', '--directory']));
  expect(complete('assay', 'results', '--')).not.toContain('--follow');
  expect(complete('assay', 'results', '--verdict', 'ke')).toEqual(['keep']);
  expect(complete('assay', 'completion', 'f')).toEqual(['fish']);
  expect(complete('assay', '--directory', '/tmp', 'log', '--fo')).toEqual(['--follow']);
  expect(complete('assay', '--directory', '/')).toContain('/tmp');
});

test('bash registers the completion for assay', () => {
  const text = execFileSync(
    'bash',
    ['--norc', '-c', `${completionScript(createProgram(), 'bash')}\ncomplete -p assay`],
    { encoding: 'utf8' },
  );
  expect(text.trim()).toBe('complete -o default -F _assay assay');
});

test.each(['zsh', 'fish'] as const)('%s reads its script where it is installed', (shell) => {
  const script = completionScript(createProgram(), shell);
  expect(script).toContain('results');
  const checked = spawnSync(shell, ['-n', '-c', script], { encoding: 'utf8' });
  if (checked.error) return;
  expect(checked.stderr).toBe('');
});

test('the reference names every command, option, exit code and schema', () => {
  const page = cliReference();
  for (const command of createProgram().commands) {
    if (command.name() !== 'help') expect(page).toContain(`## \`assay ${command.name()}\``);
    for (const option of command.options) expect(page).toContain(option.long ?? option.flags);
  }
  expect(page).toContain('| 130 | interrupted |');
  expect(page).toContain('`assay.results.v1`');
  expect(page).toContain('assay results --top 5');
});
