import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { CampaignState } from '../../src/domain/state.ts';
import { createCampaign } from '../../src/engine/create-campaign.ts';
import { runSession } from '../../src/engine/session.ts';
import { campaignSummary } from '../../src/report/summary.ts';
import type { EventRecord } from '../../src/store/store.ts';
import { loadTask } from '../../src/task/load-task.ts';
import { REPOSITORY } from '../campaign.ts';
import { greedyKeeps } from '../null.ts';
import type { Section } from './section.ts';

const TASKS = ['tasks/nanochat-cpu', 'tasks/kernels-cpu'] as const;

/** Where the compute of a real campaign goes: by stage, by guards, and within trials by who ran. */
export async function costSection(experiments: number): Promise<Section> {
  const lines: string[] = [];
  const numbers: Record<string, unknown> = {};
  for (const folder of TASKS) {
    const { records, state } = await runCampaign(folder, experiments);
    const summary = campaignSummary(state, Date.now());
    const share = (part: number): string => `${(100 * part).toFixed(1)} %`;
    const phases = phaseSeconds(records);
    const trialSeconds = [...phases.values()].reduce((sum, seconds) => sum + seconds, 0);
    const { perKeep, guards, verdicts } = summary;
    const greedy = greedyKeeps(records);
    const screens = records.filter(
      ({ event }) => event.type === 'trial.planned' && event.plan.stage === 'screen',
    ).length;
    lines.push(
      `${folder}, ${experiments} experiments by the search proposer:`,
      `  by stage: ${summary.stages.map(({ stage, seconds, share: part }) => `${stage} ${share(part)} (${seconds.toFixed(0)} s)`).join(', ')}`,
      `  within trials, by phase: ${[...phases].map(([name, seconds]) => `${name} ${share(seconds / trialSeconds)}`).join(', ')}`,
      `  guards: ${guards.reported} reported, ${guards.failed} failed, ${guards.batches.sound} of ${guards.batches.total} batches sound`,
      `  verdicts: ${Object.entries(verdicts)
        .map(([kind, count]) => `${count} ${kind}`)
        .join(', ')}`,
      perKeep
        ? `  ${perKeep.trials.toPrecision(3)} trials and ${perKeep.seconds.toFixed(0)} s of trial time for each of ${perKeep.keeps} keeps that stand`
        : '  nothing was kept',
      `  audits: ${auditWords(records, trialSeconds)}`,
      `  the greedy rule on the same screening trials would keep ${greedy.keeps}, after ${screens} trials, on one run each`,
      `  gain over the start: ${summary.comparison ? `${summary.comparison.gain.toPrecision(3)} (${summary.comparison.interval.low.toPrecision(3)} to ${summary.comparison.interval.high.toPrecision(3)})` : 'not measured'}`,
      '',
    );
    numbers[folder] = { ...summary, phases: Object.fromEntries(phases) };
  }
  return { title: 'Where the compute goes', lines, numbers };
}

async function runCampaign(
  folder: string,
  experiments: number,
): Promise<{ records: readonly EventRecord[]; state: CampaignState }> {
  const directory = await mkdtemp(path.join(tmpdir(), 'assay-cost-'));
  try {
    const task = await loadTask(path.join(REPOSITORY, folder));
    const campaign = await createCampaign({ directory, name: 'cost', task, limits: { experiments }, searchSeed: 1 });
    const records: EventRecord[] = [];
    let last: CampaignState | undefined;
    const never = new AbortController().signal;
    await runSession(
      {
        folder: campaign,
        observe: (record, state) => {
          records.push(record);
          last = state;
        },
      },
      { stop: never, abort: never },
    );
    if (!last) throw new Error('the campaign appended nothing');
    return { records, state: last };
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}

/** What the audits add to a campaign: looks of the supervisor, and what is read of each trial's reports. */
function auditWords(records: readonly EventRecord[], trialSeconds: number): string {
  let observed = 0;
  let reports = 0;
  for (const { event } of records) {
    if (event.type !== 'trial.finished') continue;
    observed += event.outcome.facts.observeSeconds ?? 0;
    reports += event.outcome.facts.audits?.length ?? 0;
  }
  const share = ((100 * observed) / Math.max(trialSeconds, 1e-9)).toFixed(2);
  return `${reports} reports; looks of the supervisor took ${observed.toFixed(1)} s, ${share} % of all trial time (the judge's own are in its phases)`;
}

/** Wall seconds of all trials by the phase that used them. */
function phaseSeconds(records: readonly EventRecord[]): ReadonlyMap<string, number> {
  const total = new Map<string, number>();
  for (const { event } of records) {
    if (event.type !== 'trial.finished') continue;
    for (const [phase, seconds] of Object.entries(event.outcome.facts.phases ?? {}))
      total.set(phase, (total.get(phase) ?? 0) + seconds);
  }
  return total;
}
