import { CATALOGUE, catalogueVersions } from '../../audit/catalogue/catalogue.ts';
import type { AuditReport } from '../../domain/audit.ts';
import type { AssayEvent } from '../../domain/events.ts';
import type { ExperimentId } from '../../domain/ids.ts';
import type { CampaignState } from '../../domain/state.ts';
import process from 'node:process';
import { expectedRuntimeAudits } from '../../audit/runtime/audit-trial.ts';
import { phasesAt } from '../../judge/judge-task.ts';
import { loadTask } from '../../task/load-task.ts';
import type { Task } from '../../task/task.ts';
import type { CampaignFolder } from '../campaign-folder.ts';
import { retractionEvents } from '../guards/retract.ts';
import { openCleanRoom, type CleanRoom } from '../reproduce/clean-room.ts';
import { subjectOf, treesOf, type Subject } from '../reproduce/subject.ts';
import { visitCampaign, type Visit } from '../reproduce/visit.ts';
import type { MachineOptions } from '../trial-parts.ts';
import { judgeTask } from '../task-rules.ts';
import { auditAgain, freshStages, type AuditedAgain, type Auditors } from './audit-again.ts';
import { foundations, standingKeeps } from './choose-keeps.ts';
import { readLogged, type LoggedExperiment } from './logged-trials.ts';
import { isNothingStale, staleAudits, type StaleAudits } from './stale-audits.ts';

export interface ReauditOptions extends MachineOptions {
  readonly folder: CampaignFolder;
  /** One experiment, chosen with the state at hand. Default: the champion and the keeps that it is built on. */
  readonly choose?: (state: CampaignState) => ExperimentId;
  /** Every keep that stands, with every audit. */
  readonly all?: boolean;
  /** Nothing is written to the log. */
  readonly dry?: boolean;
  readonly signal: AbortSignal;
  /** Before each experiment. */
  readonly begin?: (experiment: ExperimentId, stale: StaleAudits) => void;
  /** Default: those of the catalogue. */
  readonly auditors?: Partial<Auditors>;
}

export interface ReauditReport {
  readonly campaign: string;
  readonly catalogue: Readonly<Record<string, number>>;
  readonly experiments: readonly AuditedAgain[];
  /** Keeps that every audit has looked at in its present version. */
  readonly upToDate: readonly ExperimentId[];
  readonly isRecorded: boolean;
  /** After what was written. */
  readonly champion: ExperimentId;
  readonly remarks: readonly string[];
}

/**
 * Audits kept experiments again. One whose audits fire is retracted, with what holds its change flagged.
 *
 * @throws UserError when an engine works on the campaign, the experiment was not kept, or this machine can't run it.
 */
export async function reaudit(options: ReauditOptions): Promise<ReauditReport> {
  const { folder, dry = false, all = false } = options;
  await using visit = await visitCampaign(folder, { readOnly: dry });
  const { state } = visit;
  const chosen = options.choose
    ? [options.choose(state)]
    : all
      ? standingKeeps(state)
      : foundations(state, state.champion);
  const due: Due[] = [];
  const upToDate: ExperimentId[] = [];
  const expected = expectedOfTrials(await loadTask(folder.task), state);
  for (const id of chosen) {
    const subject = subjectOf(state, id);
    const logged = await readLogged(visit.store, id);
    const stale = staleAudits(CATALOGUE.values(), logged.auditedBy, expected, {
      all: all || options.choose !== undefined,
    });
    if (isNothingStale(stale)) upToDate.push(id);
    else due.push({ subject, logged, stale });
  }
  const { experiments, remarks } =
    due.length === 0 ? { experiments: [], remarks: [] } : await auditAll(visit, due, options);
  return {
    campaign: state.campaign,
    catalogue: catalogueVersions(),
    experiments,
    upToDate,
    isRecorded: !dry && experiments.length > 0,
    champion: visit.state.champion,
    remarks,
  };
}

/** Audits that must report on the trials of a re-audit. */
function expectedOfTrials(task: Task, state: CampaignState): readonly string[] {
  const described = judgeTask(task, state.task.start);
  const sandbox = state.engine?.sandbox ?? 'bubblewrap';
  const phases = freshStages(task.spec).flatMap((stage) => phasesAt(described, stage));
  return [...expectedRuntimeAudits({ sandbox, phases, os: process.platform }), ...task.spec.audits.judge];
}

interface Due {
  readonly subject: Subject;
  readonly logged: LoggedExperiment;
  readonly stale: StaleAudits;
}

async function auditAll(
  visit: Visit,
  due: readonly Due[],
  options: ReauditOptions,
): Promise<Pick<ReauditReport, 'experiments' | 'remarks'>> {
  const { state } = visit;
  const commits = new Set(due.flatMap(({ subject }) => [subject.candidate, subject.reference]));
  await using room = await openCleanRoom({
    ...options,
    task: state.task,
    candidates: await treesOf(visit.store, commits),
  });
  const signal = AbortSignal.any([options.signal, visit.lost]);
  const experiments: AuditedAgain[] = [];
  for (const { subject, logged, stale } of due) {
    signal.throwIfAborted();
    options.begin?.(subject.experiment.id, stale);
    const found = await auditAgain({ state, room, subject, logged, stale, signal }, options.auditors);
    experiments.push(found);
    if (options.dry !== true) await record(visit, room, found);
  }
  return { experiments, remarks: room.remarks };
}

/** Each experiment by itself, so that an interrupted re-audit keeps what it has found. */
async function record(visit: Visit, room: CleanRoom, found: AuditedAgain): Promise<void> {
  const { experiment, reports, fired, problem } = found;
  const events: AssayEvent[] = [];
  if (reports.length > 0) events.push({ type: 'experiment.audited', experiment, occasion: 'again', audits: reports });
  if (problem !== undefined) {
    const text = `${experiment} could not be audited again as a whole: ${problem}`;
    events.push({ type: 'note.written', kind: 'warning', text, experiment });
  }
  const isFallen = visit.state.experiments.get(experiment)?.retracted !== undefined;
  if (fired.length > 0 && !isFallen) {
    const reason = `audited again: ${fired.map(words).join('; ')}`;
    events.push(...retractionEvents(visit.state, { experiments: [experiment], cause: 'audit', reason }));
  }
  await visit.write(events, room.parts.executor, `assay audit ${experiment}`);
}

function words({ audit, detail }: AuditReport): string {
  return `${audit}: ${detail}`;
}
