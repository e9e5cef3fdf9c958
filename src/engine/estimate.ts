import { runsAt, type Stage } from '../domain/trial.ts';
import { detectSlots } from '../executor/local/detect-slots.ts';
import { openSqliteStore } from '../store/sqlite/open-sqlite-store.ts';
import type { Task } from '../task/task.ts';
import { campaignFolder, listCampaigns } from './campaign-folder.ts';
import { loadState } from './load-state.ts';
import { gateRules } from './task-rules.ts';

export interface Estimate {
  readonly slots: number;
  readonly trialSeconds: number;
  readonly trialSecondsSource: string;
  readonly stages: readonly { readonly stage: Stage; readonly trials: number }[];
  readonly trials: number;
  readonly wallSeconds: number;
  readonly rateSource: string;
}

/** Assumed where no campaign on the task has been run yet. */
const ASSUMED = { screenPassRate: 0.35, keepRate: 0.05, replicationPairs: 4, startUpSeconds: 5 };

/** What a campaign would take, from what campaigns on the task measured here, else from assumptions that are named. */
export async function estimateCampaign(
  task: Task,
  options: { directory: string; experiments: number; slots?: number },
): Promise<Estimate> {
  const rules = gateRules(task);
  const { cores, gpus } = task.spec.resources;
  const wishes = {
    coresPerSlot: cores,
    gpusPerSlot: gpus,
    ...(options.slots === undefined ? {} : { slots: options.slots }),
  };
  const slots = (await detectSlots(wishes)).length;
  const measured = await lastCampaign(task, options.directory);
  const passRate = measured?.passRate ?? ASSUMED.screenPassRate;
  const keepRate = measured?.keepRate ?? ASSUMED.keepRate;
  const stages: Estimate['stages'] = [
    { stage: 'baseline', trials: rules.baselineRuns },
    // Four screens share one run of their reference.
    { stage: 'screen', trials: options.experiments * 1.25 },
    { stage: 'replicate', trials: options.experiments * passRate * ASSUMED.replicationPairs * 2 },
    { stage: 'confirm', trials: options.experiments * keepRate * rules.confirmPairs * 2 },
    { stage: 'final', trials: rules.finalPairs * 2 },
  ];
  const trials = stages.reduce((sum, stage) => sum + stage.trials, 0);
  const budget = budgetAt(task, 'baseline');
  const trialSeconds = measured?.trialSeconds ?? budget + ASSUMED.startUpSeconds;
  return {
    slots,
    trialSeconds,
    trialSecondsSource: measured
      ? `measured in campaign ${measured.name}`
      : `budget plus ${ASSUMED.startUpSeconds} s assumed for start-up and judging`,
    stages,
    trials,
    wallSeconds:
      stages.reduce((sum, { stage, trials: runs }) => sum + runs * secondsAt(task, stage, trialSeconds), 0) / slots,
    rateSource: measured
      ? `${Math.round(passRate * 100)} % pass the screen and ${Math.round(keepRate * 100)} % are kept, as in campaign ${measured.name}`
      : `assuming that ${ASSUMED.screenPassRate * 100} % pass the screen and ${ASSUMED.keepRate * 100} % are kept`,
  };
}

/** How long a trial at a stage takes: screens may have a budget of their own, but start and are judged as all trials are. */
export function secondsAt(task: Pick<Task, 'spec'>, stage: Stage, trialSeconds: number): number {
  const whole = budgetAt(task, 'baseline');
  return (
    Math.max(0, trialSeconds - whole) + Math.min(whole, trialSeconds) * (whole > 0 ? budgetAt(task, stage) / whole : 1)
  );
}

/** Seconds of all budgets of a trial at a stage. */
function budgetAt({ spec }: Pick<Task, 'spec'>, stage: Stage): number {
  return spec.phases.reduce((sum, phase) => sum + (runsAt(phase, stage) ? (phase.budget?.limitSeconds ?? 0) : 0), 0);
}

/** Rates of the newest campaign on the same task that got as far as experiments. */
async function lastCampaign(
  task: Task,
  directory: string,
): Promise<{ name: string; trialSeconds: number; passRate: number; keepRate: number } | undefined> {
  for (const name of await listCampaigns(directory)) {
    try {
      await using store = await openSqliteStore(campaignFolder(directory, name).log);
      const { state } = await loadState(store);
      const count = state.experimentCount - state.measurementCount;
      if (state.task.name !== task.name || !state.noise || count === 0) continue;
      return {
        name,
        trialSeconds: state.noise.trialSeconds,
        passRate: state.tests.count / count,
        keepRate: state.verdictCounts.keep / count,
      };
    } catch {
      // A broken campaign of the past is no reason to refuse an estimate.
      continue;
    }
  }
  return undefined;
}
