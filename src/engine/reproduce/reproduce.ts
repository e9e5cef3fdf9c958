import { existsSync } from 'node:fs';
import type { AuditReport } from '../../domain/audit.ts';
import type { AssayEvent, EventOf } from '../../domain/events.ts';
import { BASELINE_EXPERIMENT, trialId, type CandidateId, type ExperimentId } from '../../domain/ids.ts';
import type { Pair } from '../../domain/pairs.ts';
import type { CampaignState } from '../../domain/state.ts';
import type { Arm, SandboxKind, TrialPlan } from '../../domain/trial.ts';
import { readSecret, type CampaignFolder } from '../campaign-folder.ts';
import { retractionEvents } from '../guards/retract.ts';
import { trialSeed } from '../seeds.ts';
import { gateRules } from '../task-rules.ts';
import type { MachineOptions } from '../trial-parts.ts';
import { openCleanRoom, type CleanRoom } from './clean-room.ts';
import { judgeReproduction, type Reproduction } from './judge-reproduction.ts';
import { runPlans, type EndedPlan } from './run-plans.ts';
import { subjectOf, treesOf, type Subject } from './subject.ts';
import { visitCampaign } from './visit.ts';

export interface ReproduceOptions extends MachineOptions {
  readonly folder: CampaignFolder;
  /** Decided with the state at hand: 'champion' may be another one by the time that the lease is held. */
  readonly choose: (state: CampaignState) => ExperimentId;
  /** Default: the task's `final_pairs`. */
  readonly pairs?: number;
  /** Nothing is written to the log. */
  readonly dry?: boolean;
  readonly signal: AbortSignal;
  /** What is about to be done. */
  readonly begin?: (facts: {
    experiment: ExperimentId;
    pairs: number;
    device: string;
    remarks: readonly string[];
  }) => void;
  readonly ended?: (ended: EndedPlan) => void;
}

export interface ReproductionReport {
  readonly campaign: string;
  readonly experiment: ExperimentId;
  readonly candidate: CandidateId;
  readonly reference: CandidateId;
  readonly metric: string;
  readonly reproduction: Reproduction;
  readonly trials: readonly EndedPlan[];
  /** Of what trials rely on, before and after. */
  readonly integrity: readonly AuditReport[];
  readonly device: string;
  readonly sandbox: SandboxKind;
  readonly remarks: readonly string[];
  /** Whether it was written to the log. */
  readonly isRecorded: boolean;
  readonly retracted: readonly EventOf<'verdict.retracted'>[];
  /** After what was written. */
  readonly champion: ExperimentId;
}

const MIN_PAIRS = 2;

/**
 * Rebuilds a kept experiment from its commit in a clean room and measures it again beside its reference, on seeds that nothing has ever
 * seen. What does not hold is retracted.
 *
 * @throws UserError when an engine works on the campaign, the experiment claims no gain, or this machine can't run it.
 */
export async function reproduce(options: ReproduceOptions): Promise<ReproductionReport> {
  const { folder, dry = false } = options;
  await using visit = await visitCampaign(folder, { readOnly: dry });
  const { state } = visit;
  const subject = subjectOf(state, options.choose(state));
  await using room = await openCleanRoom({
    ...options,
    task: state.task,
    candidates: await treesOf(visit.store, [subject.candidate, subject.reference]),
  });
  const rules = gateRules(room.task);
  const { executor } = room.parts;
  const signal = AbortSignal.any([options.signal, visit.lost]);
  const pairs = Math.max(MIN_PAIRS, options.pairs ?? rules.finalPairs);
  const { experiment } = subject;
  const isSameDevice = state.engine?.device === executor.device;
  const remarks = [
    ...room.remarks,
    ...(isSameDevice ? [] : [`the campaign was measured on ${state.engine?.device ?? 'an unknown device'}`]),
  ];
  options.begin?.({ experiment: experiment.id, pairs, device: executor.device, remarks });
  // The cache may be used, so it is held to what was recorded when it was filled.
  const integrity = await room.parts.openIntegrity();
  // Also of what the campaign began with: the files that its claim was made with, not only those that are there now.
  const begun = existsSync(folder.integrity)
    ? await room.parts.openIntegrity({ file: folder.integrity, key: await readSecret(folder) }, folder.task)
    : undefined;
  if (!begun) remarks.push('the campaign has no record of the files that it began with, so they could not be compared');
  const changed = ((await begun?.check()) ?? []).filter(({ finding }) => finding === 'fired');
  // Another Assay or another environment is the reader's to know; another measure makes another claim.
  const measure = changed.filter(({ audit }) => audit === 'task-files' || audit === 'data-files');
  for (const { audit, detail } of changed)
    if (!measure.some((one) => one.audit === audit)) remarks.push(`${audit}: ${detail}`);
  const before = [...measure, ...(await integrity.check())];
  const plans = hasFired(before) ? [] : plansOf(subject, room, pairs);
  const trials = await runPlans(room, plans, { signal, ...(options.ended ? { ended: options.ended } : {}) });
  const after = await integrity.check();
  const variance = experiment.test?.variance;
  const measured = judgeReproduction(
    pairsOf(trials),
    rules,
    experiment.verdict?.evidence ?? {},
    // The spread of another machine says nothing of this one.
    isSameDevice && variance !== undefined ? { variance } : undefined,
  );
  const reproduction = withIntegrity(measured, [...before, ...after]);
  const facts = {
    campaign: state.campaign,
    experiment: experiment.id,
    candidate: subject.candidate,
    reference: subject.reference,
    metric: state.task.metric,
    reproduction,
    trials,
    integrity: [...before, ...after],
    device: executor.device,
    sandbox: executor.sandbox,
    remarks,
  };
  const events = eventsOf(state, subject, { reproduction, pairs, device: executor.device, remarks });
  if (dry) return { ...facts, isRecorded: false, retracted: [], champion: state.champion };
  await visit.write(events, executor, `assay reproduce ${experiment.id}`);
  const retracted = events.filter((event) => event.type === 'verdict.retracted');
  return { ...facts, isRecorded: true, retracted, champion: state.champion };
}

/** Candidate and reference take turns in who goes first (ABBA). Ids of experiment and trials are those of this room alone. */
function plansOf({ candidate, reference }: Subject, room: CleanRoom, pairs: number): readonly TrialPlan[] {
  const plans: TrialPlan[] = [];
  for (let pair = 1; pair <= pairs; pair += 1) {
    const arms: [Arm, CandidateId][] = [
      ['candidate', room.here(candidate)],
      ['reference', room.here(reference)],
    ];
    if (pair % 2 === 0) arms.reverse();
    for (const [arm, which] of arms) {
      plans.push({
        trial: trialId(plans.length + 1),
        experiment: BASELINE_EXPERIMENT,
        candidate: which,
        stage: 'confirm',
        arm,
        pair,
        seed: trialSeed(room.secret, 'confirm', pair),
      });
    }
  }
  return plans;
}

function pairsOf(trials: readonly EndedPlan[]): readonly Pair[] {
  const pairs = new Map<number, Pair>();
  for (const { plan, outcome } of trials)
    pairs.set(plan.pair, { ...(pairs.get(plan.pair) ?? { pair: plan.pair }), [plan.arm]: outcome });
  return [...pairs.values()];
}

/** Numbers that were measured with files that had changed say nothing, neither for it nor against it. */
function withIntegrity(reproduction: Reproduction, reports: readonly AuditReport[]): Reproduction {
  const fired = hasFired(reports);
  if (!fired) return reproduction;
  return { kind: 'unclear', reasons: [`${fired.audit}: ${fired.detail}`] };
}

function hasFired(reports: readonly AuditReport[]): AuditReport | undefined {
  return reports.find(({ finding }) => finding === 'fired');
}

function eventsOf(
  state: CampaignState,
  { experiment }: Subject,
  found: {
    reproduction: Reproduction;
    pairs: number;
    device: string;
    remarks: readonly string[];
  },
): readonly AssayEvent[] {
  const { reproduction, pairs, device, remarks } = found;
  // Of what holds, the event has the numbers already.
  const reasons = reproduction.kind === 'holds' ? reproduction.reasons.slice(1) : reproduction.reasons;
  const detail = [...reasons, ...remarks].join('; ');
  const { id } = experiment;
  if (reproduction.kind === 'unclear') {
    const text = `a reproduction of ${id} came to nothing: ${detail}`;
    return [{ type: 'note.written', kind: 'warning', text, experiment: id }];
  }
  const { gain, interval, p } = reproduction;
  const reproduced: AssayEvent = {
    type: 'experiment.reproduced',
    experiment: id,
    holds: reproduction.kind === 'holds',
    pairs,
    ...(gain === undefined ? {} : { gain }),
    ...(interval === undefined ? {} : { interval }),
    ...(p === undefined ? {} : { p }),
    device,
    detail,
  };
  // What was retracted before does not rise again, nor fall twice.
  if (reproduction.kind === 'holds' || experiment.retracted) return [reproduced];
  const reason = `it did not reproduce from its commit: ${reproduction.reasons[0]}`;
  return [reproduced, ...retractionEvents(state, { experiments: [id], cause: 'reproduction', reason })];
}
