import { runsAt } from '../domain/trial.ts';
import { type PlaceholderName, placeholderMistake, placeholdersIn } from './placeholders.ts';
import type { Problem } from './problem.ts';
import type { PhaseSpec, TaskSpec } from './schema.ts';
import type { KeyPath, YamlSource } from './yaml-source.ts';

const CANDIDATE_PLACEHOLDERS: readonly PlaceholderName[] = ['python', 'seed', 'stage', 'workspace', 'output'];
const JUDGE_PLACEHOLDERS: readonly PlaceholderName[] = [...CANDIDATE_PLACEHOLDERS, 'result', 'task'];
const TRIAL_STAGES = ['baseline', 'screen', 'replicate', 'confirm', 'final'] as const;
const DATA_PLACEHOLDERS: readonly PlaceholderName[] = ['python', 'out'];

type ProcessSpec = Pick<PhaseSpec, 'trust' | 'command' | 'data' | 'variables'>;
type PlacedProcess = { readonly path: KeyPath; readonly process: ProcessSpec };

/** What must hold among the phases, beyond the type of each field. */
export function checkPhases(source: YamlSource, spec: Partial<TaskSpec>): Problem[] {
  const phases = spec.phases ?? [];
  const processes = phases.flatMap((phase, index): PlacedProcess[] => {
    const path = ['phases', index];
    return [
      { path, process: phase },
      ...(phase.peer === undefined ? [] : [{ path: [...path, 'peer'], process: phase.peer }]),
    ];
  });
  return [
    ...phases.flatMap((phase, index) => checkPhase(source, phases, phase, index)),
    ...checkResult(source, spec),
    ...checkCandidates(source, phases),
    ...processes.flatMap(({ path, process }) => checkPlaceholdersOf(source, path, process)),
    ...checkPreparedData(source, spec, processes),
  ];
}

function checkPhase(source: YamlSource, phases: readonly PhaseSpec[], phase: PhaseSpec, index: number): Problem[] {
  const problems: Problem[] = [];
  const path = ['phases', index];
  if (phases.findIndex((other) => other.name === phase.name) < index) {
    problems.push(source.problem([...path, 'name'], { expected: 'a name that no earlier phase has' }));
  }
  if (phase.peer !== undefined && phase.trust !== 'judge') {
    const remedy = 'Only a judge may have a peer: trust: judge';
    problems.push(source.problem([...path, 'peer'], { expected: 'no peer in a phase with trust: candidate', remedy }));
  }
  if (phase.exchange && phase.peer === undefined) {
    const remedy = 'It is shared with the peer: describe one, or leave the exchange out';
    problems.push(source.problem([...path, 'exchange'], { expected: 'false in a phase without a peer', remedy }));
  }
  if (phase.stages?.includes('profile') === true && (phase.trust === 'judge' || phase.peer !== undefined)) {
    const remedy = 'A profile is what the candidate says of itself; a judge measures in trials';
    problems.push(source.problem([...path, 'stages'], { expected: "'profile' for a candidate alone", remedy }));
  }
  const { budget } = phase;
  if (budget !== undefined && phase.timeoutSeconds <= budget.limitSeconds + budget.graceSeconds) {
    const total = budget.limitSeconds + budget.graceSeconds;
    const remedy = 'The timeout counts the start of the process too, so leave room for it';
    problems.push(
      source.problem([...path, 'timeout'], { expected: `more than budget and grace together (${total} s)`, remedy }),
    );
  }
  for (const [place, process] of [
    [path, phase],
    [[...path, 'peer'], phase.peer],
  ] as const) {
    process?.data.forEach((mount, at) => {
      if (process.data.findIndex((other) => other.to === mount.to) < at) {
        problems.push(
          source.problem([...place, 'data', at, 'to'], { expected: 'a place that nothing else is mounted at' }),
        );
      }
    });
  }
  return problems;
}

/** A result comes from a judge, at every stage that runs trials, and from nobody else. */
function checkResult(source: YamlSource, spec: Partial<TaskSpec>): Problem[] {
  if (spec.phases === undefined) return [];
  const writers = spec.phases.filter(
    (phase) => phase.trust === 'judge' && textsOf(phase).some(([, text]) => text.includes('{result}')),
  );
  const without = TRIAL_STAGES.filter((stage) => !writers.some((phase) => runsAt(phase, stage)));
  if (without.length === 0) return [];
  return [
    source.problem(['phases'], {
      found:
        writers.length === 0 ? 'none that writes the result' : `none that writes the result at ${without.join(', ')}`,
      expected: 'a phase with trust: judge and {result} in its command',
      remedy: 'A number that a candidate prints is only a claim; the judge must measure for itself',
    }),
  ];
}

/** A candidate's time that is measured at one stage is measured at all: without such a run a judge would have nothing to judge. */
function checkCandidates(source: YamlSource, phases: readonly PhaseSpec[]): Problem[] {
  const own = phases.filter(({ trust, budget }) => trust === 'candidate' && budget !== undefined);
  const without = TRIAL_STAGES.filter((stage) => !own.some((phase) => runsAt(phase, stage)));
  if (without.length === 0 || without.length === TRIAL_STAGES.length) return [];
  return [
    source.problem(['phases'], {
      found: `none with a budget at ${without.join(', ')}`,
      expected: 'a phase with trust: candidate and a budget at every stage, as at the others',
      remedy: `Add ${without.length === 1 ? 'that stage' : 'those stages'} to the stages of the phase that runs the candidate`,
    }),
  ];
}

function textsOf(process: ProcessSpec): [KeyPath, string][] {
  return [
    ...process.command.map((text, index): [KeyPath, string] => [['command', index], text]),
    ...Object.entries(process.variables).map(([name, text]): [KeyPath, string] => [['variables', name], text]),
  ];
}

function checkPlaceholdersOf(source: YamlSource, path: KeyPath, process: ProcessSpec): Problem[] {
  const allowed = process.trust === 'judge' ? JUDGE_PLACEHOLDERS : CANDIDATE_PLACEHOLDERS;
  return textsOf(process).flatMap(([inside, text]) => checkPlaceholders(source, [...path, ...inside], text, allowed));
}

function checkPlaceholders(
  source: YamlSource,
  path: KeyPath,
  text: string,
  allowed: readonly PlaceholderName[],
): Problem[] {
  return placeholdersIn(text).flatMap((placeholder) => {
    const mistake = placeholderMistake(placeholder, allowed);
    return mistake === undefined ? [] : [source.problem(path, { ...mistake, found: `{${placeholder}}` })];
  });
}

function checkPreparedData(
  source: YamlSource,
  spec: Partial<TaskSpec>,
  processes: readonly PlacedProcess[],
): Problem[] {
  const problems = (spec.data?.command ?? []).flatMap((text, index) =>
    checkPlaceholders(source, ['data', 'command', index], text, DATA_PLACEHOLDERS),
  );
  if (spec.data?.command !== undefined && !spec.data.command.some((text) => text.includes('{out}'))) {
    problems.push(
      source.problem(['data', 'command'], { expected: '{out} in it', remedy: 'It is the folder to write into' }),
    );
  }
  const judged = processes.filter(({ process }) => process.trust === 'judge').flatMap(({ process }) => process.data);
  for (const { path, process } of processes) {
    process.data.forEach((mount, index) => {
      const place = [...path, 'data', index, 'from'];
      if (spec.data === undefined && hasNoData(source)) {
        const remedy = "Add a section 'data' with the command that prepares it";
        problems.push(source.problem(place, { expected: 'prepared data, the task has none', remedy }));
      }
      const hidden = judged.find(({ from }) => process.trust === 'candidate' && contains(mount.from, from));
      if (hidden !== undefined) {
        const remedy = 'Mount only the folders that the candidate needs';
        problems.push(
          source.problem(place, { expected: `a folder without '${hidden.from}', which the judge holds`, remedy }),
        );
      }
    });
  }
  return problems;
}

function hasNoData(source: YamlSource): boolean {
  return typeof source.value === 'object' && source.value !== null && !('data' in source.value);
}

/** Whether one folder holds the other. The same folder twice is a decision of the task's author, not a slip. */
function contains(outer: string, inner: string): boolean {
  return outer !== inner && (outer === '.' || inner.startsWith(`${outer}/`));
}
