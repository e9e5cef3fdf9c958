import type { Command } from 'commander';
import { EXIT } from './exit-codes.ts';
import { directoryOf, withJson } from './options.ts';
import { openOutput, printable } from './output.ts';

const MARK = { ok: 'ok', warn: 'weak', fail: 'MISSING' } as const;
const STYLE = { ok: 'green', warn: 'yellow', fail: 'red' } as const;

export function registerDoctor(program: Command): void {
  withJson(
    program.command('doctor').description('what this machine has of what Assay needs, and what to do about the rest'),
  ).action(async (_options: object, command: Command) => {
    const { examineMachine } = await import('../engine/examine-machine.ts');
    const output = openOutput(command);
    const findings = await examineMachine(directoryOf(command));
    if (findings.some((finding) => finding.state === 'fail')) process.exitCode = EXIT.cannotRunHere;
    if (output.isJson) {
      output.json('assay.doctor.v1', { findings });
      return;
    }
    for (const { state, what, detail, remedy } of findings) {
      output.print(`${output.style(STYLE[state], MARK[state].padEnd(8))} ${what.padEnd(12)} ${printable(detail)}`);
      if (remedy !== undefined) output.print(`${' '.repeat(22)}${printable(remedy)}`);
    }
  });
}
