import type { JudgeTask } from '../judge/judge-task.ts';
import type { Task } from '../task/task.ts';
import { DEFAULT_GATE_RULES, type GateRules } from './gate/rules.ts';

/** The task's validity rule as the gate takes it. */
export function gateRules(task: Task): GateRules {
  const { objective, validity } = task.spec;
  return {
    ...DEFAULT_GATE_RULES,
    direction: objective.direction,
    baselineRuns: validity.baselineRuns,
    minimumGain: validity.minimumGain,
    sigmaFloor: validity.sigmaFloor,
    screenProbability: validity.screenProbability,
    maxPairs: validity.maxPairs,
    confirmPairs: validity.confirmPairs,
    finalPairs: validity.finalPairs,
    ablationPairs: validity.ablationPairs ?? validity.confirmPairs,
    falseDiscoveryRate: validity.falseDiscoveryRate,
    confirmLevel: validity.confirmLevel,
    ...(validity.holdoutMetric === undefined ? {} : { holdoutMetric: validity.holdoutMetric }),
    ...(validity.target === undefined ? {} : { target: { direction: objective.direction, ...validity.target } }),
  };
}

/** The task as the judge takes it. @param start the starting point whose protected files are laid out. */
export function judgeTask(task: Task, start: string): JudgeTask {
  const { spec } = task;
  const protectedFiles = new Map([...task.filesFor(start)].filter(([path]) => task.isProtected(path)));
  return {
    objective: spec.objective,
    protectedFiles,
    isEditable: (path) => task.isEditable(path),
    phases: spec.phases,
    resources: spec.resources,
    seedVariable: spec.seeds.variable,
    claimPattern: spec.claim.pattern,
    ...(spec.claim.final === undefined ? {} : { claimFinal: spec.claim.final }),
    range: spec.range,
    guards: spec.guards,
    variables: spec.environment.variables,
    ...(spec.source?.substitutes === undefined ? {} : { substitutes: spec.source.substitutes }),
    folder: task.folder,
  };
}
