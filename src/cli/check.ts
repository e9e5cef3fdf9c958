import type { Command } from 'commander';
import { EXIT } from './exit-codes.ts';
import { directoryOf, examples, withJson } from './options.ts';
import { openOutput, printable } from './output.ts';

const MARK = { ok: '', warn: 'note: ', fail: 'MISSING: ' } as const;
const STYLE = { ok: 'green', warn: 'yellow', fail: 'red' } as const;

interface Options {
  readonly run?: boolean;
  readonly start?: string;
  readonly setUp?: boolean;
  readonly python?: string;
}

export function registerCheck(program: Command): void {
  withJson(
    program
      .command('check')
      .description('read a task, say everything that is wrong with it and all that this machine lacks for it'),
  )
    .argument('<task>', 'folder of a task, or the name of one that ships with Assay')
    .option('--set-up', 'also find or build its environment and prepare its data')
    .option('--run', 'also run one trial of each starting point, exactly as a campaign would')
    .option('--start <name>', 'with --run: only this starting point')
    .option('--python <path>', 'interpreter for the trials')
    .addHelpText(
      'after',
      examples([
        ['assay check my-task', 'only read it'],
        ['assay check my-task --run', 'and try it'],
      ]),
    )
    .action(async (name: string, options: Options, command: Command) => {
      const { loadTask } = await import('../task/load-task.ts');
      const { taskFolder } = await import('./find-task.ts');
      const output = openOutput(command);
      const task = await loadTask(taskFolder(directoryOf(command), name));
      const { objective, phases } = task.spec;
      const trials: Record<string, unknown> = {};
      const say = (text: string): void => {
        if (!output.isJson) output.print(text);
      };
      say(`${task.name}: ${printable(task.title)}`);
      say(
        `  objective   ${objective.direction} ${objective.metric}${objective.unit === undefined ? '' : ` (${objective.unit})`}`,
      );
      say(`  starts      ${task.starts.join(', ')}`);
      say(
        `  editable    ${task.files
          .filter((file) => file.role === 'editable')
          .map((file) => file.path)
          .join(', ')}`,
      );
      say(`  phases      ${phases.map((phase) => `${phase.name} (${phase.trust})`).join(', ')}`);
      say(
        `  patterns    ${task.patterns.length === 0 ? 'none' : task.patterns.map((pattern) => pattern.id).join(', ')}`,
      );
      const { examineTask } = await import('../engine/examine-task.ts');
      const found = await examineTask(task, options.python === undefined ? {} : { python: options.python });
      for (const { state, what, detail, remedy } of found) {
        say(`  ${what.padEnd(11)} ${output.style(STYLE[state], MARK[state])}${printable(detail)}`);
        if (remedy !== undefined) say(`${' '.repeat(14)}-> ${printable(remedy)}`);
      }
      const missing = found.filter(({ state }) => state === 'fail');
      if (missing.length > 0) process.exitCode = EXIT.cannotRunHere;
      const machine = {
        report: ({ message }: { message: string }) => say(`  set-up      ${message}`),
        ...(options.python === undefined ? {} : { python: options.python }),
      };
      if (missing.length === 0 && (options.setUp || options.run)) {
        const { resolveEnvironment } = await import('../task/environment/resolve-environment.ts');
        const { prepareData } = await import('../task/environment/prepare-data.ts');
        const { discoverKnobs } = await import('../task/knobs.ts');
        const { checkKnobNames } = await import('../task/check-knob-names.ts');
        const { TaskError } = await import('../task/problem.ts');
        const environment = await resolveEnvironment(task, machine);
        const data = await prepareData(task, environment, machine);
        say(`  python      ${environment.python} (${environment.version}, ${environment.how})`);
        if (data) say(`  data        ${data.directory}`);
        for (const start of task.starts) {
          const texts = new Map([...task.filesFor(start)].map(([path, content]) => [path, content.toString('utf8')]));
          const knobs = await discoverKnobs({ python: environment.python, files: texts, task });
          say(
            `  knobs       ${start}: ${knobs.length === 0 ? 'none' : knobs.map((knob) => `${knob.name}=${JSON.stringify(knob.current)}`).join(', ')}`,
          );
        }
        const problems = await checkKnobNames(environment.python, task);
        if (problems.length > 0) throw new TaskError(task.folder, problems);
      }
      if (missing.length === 0 && options.run) {
        const { tryTask } = await import('../engine/try-task.ts');
        const { outcomeWords } = await import('../report/log-lines.ts');
        const { listenForInterruption } = await import('./interruption.ts');
        using controls = listenForInterruption(say);
        for (const start of options.start === undefined ? task.starts : [options.start]) {
          const outcome = await tryTask(task, start, machine, AbortSignal.any([controls.stop, controls.abort]));
          trials[start] = outcome;
          say(`  trial       ${start}: ${printable(outcomeWords(outcome))}`);
          if (outcome.status === 'failed') process.exitCode = EXIT.taskInvalid;
        }
      }
      if (output.isJson) {
        const { name: taskName, title, starts, hash } = task;
        output.json('assay.check.v1', {
          task: { name: taskName, title, starts, hash, objective, patterns: task.patterns.map(({ id }) => id) },
          machine: found,
          trials,
        });
      } else if (missing.length > 0) {
        say(
          `nothing is wrong with the task, but ${missing.length === 1 ? 'one thing' : `${missing.length} things`} it needs ${missing.length === 1 ? 'is' : 'are'} MISSING on this machine`,
        );
      } else if (process.exitCode === undefined) {
        say('nothing is wrong with it');
      }
    });
}
