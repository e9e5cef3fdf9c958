import { describeError } from '../errors.ts';
import type { Problem } from './problem.ts';
import type { TaskSpec } from './schema.ts';
import type { KeyPath, YamlSource } from './yaml-source.ts';

/** More values than this are a range. */
const MOST_STEPS = 100;

/** What must hold among the fields on numbers and search, beyond the type of each. */
export function checkSearch(source: YamlSource, spec: Partial<TaskSpec>): Problem[] {
  return [
    ...checkClaim(source, spec.claim),
    ...checkOrder(source, ['range'], spec.range?.low, spec.range?.high),
    ...(spec.guards ?? []).flatMap((guard, index) => checkGuard(source, spec, guard, index)),
    ...checkKnobs(source, spec.knobs),
  ];
}

function checkClaim(source: YamlSource, claim: TaskSpec['claim'] | undefined): Problem[] {
  if (claim === undefined) return [];
  const path = ['claim', 'pattern'];
  try {
    // An empty alternative always matches, and shows which groups there are.
    const match = new RegExp(`${claim.pattern}|`).exec('');
    const groups = (match?.length ?? 1) - 1;
    const named = Object.keys(match?.groups ?? {});
    const unknown = (claim.final ?? []).flatMap((name, index) =>
      named.includes(name)
        ? []
        : [source.problem(['claim', 'final', index], { expected: 'a named group of the pattern' })],
    );
    if (named.length > 0 || groups === 2) return unknown;
    return [source.problem(path, { expected: `two groups, for name and number (it has ${groups}), or named groups` })];
  } catch (error) {
    return [source.problem(path, { expected: `a regular expression (${describeError(error)})` })];
  }
}

function checkOrder(source: YamlSource, path: KeyPath, low: number | undefined, high: number | undefined): Problem[] {
  if (low === undefined || high === undefined || low < high) return [];
  return [source.problem([...path, 'high'], { expected: `a number above 'low' (${low})` })];
}

type Guard = TaskSpec['guards'][number];

function checkGuard(source: YamlSource, spec: Partial<TaskSpec>, guard: Guard, index: number): Problem[] {
  const path = ['guards', index];
  const problems: Problem[] = [];
  const guards = spec.guards ?? [];
  if (guards.findIndex((other) => other.metric === guard.metric) < index) {
    const remedy = "Put 'min' and 'max' into one guard";
    problems.push(source.problem([...path, 'metric'], { expected: 'a metric that no earlier guard has', remedy }));
  }
  if (guard.metric === spec.objective?.metric) {
    problems.push(
      source.problem([...path, 'metric'], {
        expected: "another number than the objective's",
        remedy: "Its limits are in 'range'",
      }),
    );
  }
  if (guard.min === undefined && guard.max === undefined) {
    problems.push(source.problem(path, { found: "neither 'min' nor 'max'", expected: 'a limit' }));
  }
  if (guard.min !== undefined && guard.max !== undefined && guard.min > guard.max) {
    problems.push(source.problem([...path, 'max'], { expected: `a number not below 'min' (${guard.min})` }));
  }
  return problems;
}

function checkKnobs(source: YamlSource, knobs: TaskSpec['knobs'] | undefined): Problem[] {
  return Object.entries(knobs?.set ?? {}).flatMap(([name, setting]) => {
    const path = ['knobs', 'set', name];
    const problems = checkOrder(source, path, setting.low, setting.high);
    if (
      setting.choices !== undefined &&
      (setting.low !== undefined || setting.high !== undefined || setting.scale !== undefined)
    ) {
      problems.push(source.problem(path, { found: "'choices' and a range", expected: 'one of the two' }));
    }
    if (setting.scale === 'log' && setting.low !== undefined && setting.low <= 0) {
      problems.push(source.problem([...path, 'low'], { expected: "a number above 0 with 'scale: log'" }));
    }
    if (setting.step !== undefined) {
      const { low, high } = setting;
      const fits =
        low !== undefined && high !== undefined && Number.isInteger(low) && (high - low) / setting.step < MOST_STEPS;
      const remedy = `Give whole 'low' and 'high' at most ${MOST_STEPS} steps apart, or leave 'step' out`;
      if (!fits) problems.push(source.problem([...path, 'step'], { expected: 'few steps between two bounds', remedy }));
    }
    if (setting.choices !== undefined && new Set(setting.choices).size < setting.choices.length) {
      problems.push(source.problem([...path, 'choices'], { expected: 'each choice once' }));
    }
    if (knobs?.exclude.includes(name) === true) {
      problems.push(
        source.problem(path, { atKey: true, found: `'${name}', which is excluded too`, expected: 'one of the two' }),
      );
    }
    return problems;
  });
}
