import { profileLines } from '../domain/profile.ts';
import type { AssayEvent, EventOf, TaskFacts } from '../domain/events.ts';
import type { TrialId } from '../domain/ids.ts';
import type { CampaignState } from '../domain/state.ts';
import type { TrialOutcome, TrialPlan } from '../domain/trial.ts';
import type { EventRecord } from '../store/store.ts';
import { count, showGain, showInterval, showP, showSeconds, showValue } from './numbers.ts';

/** What an event alone does not say. Everything is optional: the line is plainer without. */
export interface EventContext {
  readonly task?: TaskFacts;
  readonly plan?: TrialPlan;
}

/** One event in plain words, on one line. Text of proposals is quoted as it is: make it printable before a terminal sees it. */
export function eventWords(event: AssayEvent, { task, plan }: EventContext = {}): string {
  switch (event.type) {
    case 'campaign.created':
      return `campaign ${event.campaign} was created: ${event.task.direction} ${event.task.metric} of ${event.task.name}${limitWords(event.limits)}`;
    case 'campaign.extended':
      return `the limits were changed${limitWords(event.limits)}`;
    case 'engine.started':
      return `an engine started: ${count(event.slots, 'slot')}, sandbox ${event.sandbox}, ${event.device} (pid ${event.pid} on ${event.host})`;
    case 'engine.stopped':
      return `the engine stopped: ${STOP_WORDS[event.reason]}${event.detail === undefined ? '' : `: ${event.detail}`}`;
    case 'noise.measured':
      return (
        `noise floor: ${task?.metric ?? 'the metric'} ${showValue(event.mean)} over ${count(event.runs, 'run')}, ` +
        `sigma ${showValue(event.sigma)} (decisions use ${showValue(event.sigmaUsed)}), ${showSeconds(event.trialSeconds)} a trial`
      );
    case 'experiment.proposed': {
      const { proposal } = event;
      if (proposal.operator === 'guard') return `${event.experiment} is a guard: ${proposal.hypothesis.statement}`;
      return `${event.experiment} proposed on ${proposal.parent} (${proposal.operator}, ${proposal.proposer}): ${proposal.hypothesis.statement}`;
    }
    case 'proposal.rejected':
      return `a proposal (${event.operator}, ${event.proposer}) was turned back: ${event.reason}`;
    case 'experiment.implemented':
      return `${event.experiment} implemented as ${event.candidate.slice(0, 7)}: ${count(event.filesChanged, 'file')}, +${event.linesAdded} −${event.linesRemoved}`;
    case 'trial.planned':
      return `${event.plan.trial} planned: ${planWords(event.plan)}`;
    case 'trial.submitted':
      return `${event.trial} of ${event.experiment} started${plan ? ` (${planWords(plan, false)})` : ''}${event.attempt > 1 ? `, attempt ${event.attempt}` : ''}`;
    case 'trial.finished':
      return `${event.trial} of ${event.experiment}${plan ? ` (${planWords(plan, false)})` : ''}: ${outcomeWords(event.outcome, task)}`;
    case 'trial.withdrawn':
      return `${event.trial} of ${event.experiment} was withdrawn: it is not needed any more`;
    case 'stage.passed':
      return `${event.experiment} passed ${event.stage}: ${event.reason}`;
    case 'experiment.concluded':
      return `${event.experiment} ${verdictWords(event)}: ${event.verdict.reasons[0]}`;
    case 'experiment.audited': {
      const fired = event.audits.filter(({ finding }) => finding === 'fired').map(({ audit }) => audit);
      const found = fired.length === 0 ? 'none fired' : `fired: ${fired.join(', ')}`;
      return `${event.experiment} ${event.occasion === 'again' ? 'audited again' : 'audited'}: ${count(event.audits.length, 'audit')}, ${found}`;
    }
    case 'verdict.retracted':
      return `${event.experiment} retracted (${event.cause}): ${event.reason}${event.descendants.length === 0 ? '' : `; built on it: ${event.descendants.join(', ')}`}`;
    case 'experiment.reproduced':
      return `${event.experiment} ${event.holds ? 'reproduced' : 'did not reproduce'} in ${count(event.pairs, 'pair')}${event.gain === undefined ? '' : `, gain ${showGain(event.gain)} (95 % interval ${showInterval(event.interval)})`}: ${event.detail}`;
    case 'profile.submitted':
      return `${event.experiment}: its profile started`;
    case 'profile.failed':
      return `${event.experiment} has no profile: ${event.reason}`;
    case 'experiment.profiled':
      return `${event.experiment} profiled (its own claim): ${profileLines(event.profile).slice(0, 2).join('; ')}`;
    case 'batch.opened':
      return `batch ${event.batch} opened: ${event.unguarded ?? `guarded by ${event.guards.map(({ id, kind }) => `${kind} ${id}`).join(', ')}`}`;
    case 'guard.reported':
      return `${event.guard.kind} ${event.guard.id} (${event.experiment}) ${event.ok ? 'held' : 'FAILED'}: ${event.detail}`;
    case 'batch.voided':
      return `batch ${event.batch} is void, nothing in it counts: ${event.reason}`;
    case 'batch.closed':
      return `batch ${event.batch} closed: ${event.audits.length === 0 ? 'no integrity checks' : event.audits.map(({ audit, finding }) => `${audit} ${finding}`).join(', ')}`;
    case 'champion.changed':
      return `new champion ${event.experiment} (${event.candidate.slice(0, 7)}): ${event.reason}`;
    case 'campaign.finished':
      return `the campaign is finished: ${event.reason}${comparisonWords(event, task)}`;
    case 'note.written':
      return `${event.kind}${event.experiment === undefined ? '' : ` (${event.experiment})`}: ${event.text}`;
    default:
      return event satisfies never;
  }
}

/** Remembers what later events need (the task, the plans of open trials), so that each line can say it. */
export class LogNarrator {
  #task: TaskFacts | undefined;
  readonly #plans = new Map<TrialId, TrialPlan>();

  constructor(task?: TaskFacts) {
    this.#task = task;
  }

  line({ event }: EventRecord): string {
    if (event.type === 'campaign.created') this.#task = event.task;
    if (event.type === 'trial.planned') this.#plans.set(event.plan.trial, event.plan);
    const trial = event.type === 'trial.submitted' || event.type === 'trial.finished' ? event.trial : undefined;
    const plan = trial === undefined ? undefined : this.#plans.get(trial);
    if (event.type === 'trial.finished' && event.outcome.status === 'succeeded') this.#plans.delete(event.trial);
    return eventWords(event, { ...(this.#task ? { task: this.#task } : {}), ...(plan ? { plan } : {}) });
  }
}

/**
 * The line to show while a campaign runs; undefined for events that only fill the log.
 *
 * @param state as it is after the event.
 * @param options.verbose every event has a line.
 */
export function progressLine(
  { event }: EventRecord,
  state: CampaignState,
  options: { verbose?: boolean } = {},
): string | undefined {
  if (options.verbose !== true && (!isMilestone(event) || isOfGuard(event, state))) return undefined;
  const trial =
    event.type === 'trial.submitted' || event.type === 'trial.finished' ? state.trials.get(event.trial) : undefined;
  return eventWords(event, { task: state.task, ...(trial ? { plan: trial.plan } : {}) });
}

/** What happens to a guard is expected; its report says whether it was right. */
function isOfGuard(event: AssayEvent, state: CampaignState): boolean {
  switch (event.type) {
    case 'experiment.proposed':
    case 'experiment.concluded':
    case 'trial.finished':
      return state.experiments.get(event.experiment)?.proposal.operator === 'guard';
    default:
      return false;
  }
}

function isMilestone(event: AssayEvent): boolean {
  switch (event.type) {
    case 'campaign.created':
    case 'campaign.extended':
    case 'engine.started':
    case 'engine.stopped':
    case 'noise.measured':
    case 'experiment.proposed':
    case 'stage.passed':
    case 'experiment.concluded':
    case 'verdict.retracted':
    case 'experiment.reproduced':
    case 'batch.voided':
    case 'guard.reported':
    case 'champion.changed':
    case 'campaign.finished':
    case 'note.written':
      return true;
    case 'trial.finished':
      return event.outcome.status === 'failed';
    case 'proposal.rejected':
    case 'experiment.implemented':
    case 'experiment.audited':
    case 'profile.submitted':
    case 'experiment.profiled':
    case 'profile.failed':
    case 'batch.opened':
    case 'batch.closed':
    case 'trial.planned':
    case 'trial.submitted':
    case 'trial.withdrawn':
      return false;
    default:
      return event satisfies never;
  }
}

const STOP_WORDS: Readonly<Record<EventOf<'engine.stopped'>['reason'], string>> = {
  finished: 'the campaign is over',
  asked: 'it was asked to',
  failed: 'it failed',
};

function verdictWords({ verdict }: EventOf<'experiment.concluded'>): string {
  return verdict.kind === 'failed'
    ? `failed (${verdict.failure ?? 'crash'}) at ${verdict.stage}`
    : `${verdict.kind} at ${verdict.stage}`;
}

function planWords(plan: TrialPlan, isWhole = true): string {
  const words = `${plan.stage}, pair ${plan.pair}, ${plan.arm}, seed ${plan.seed}`;
  return isWhole ? `${plan.candidate.slice(0, 7)} for ${plan.experiment}, ${words}` : words;
}

/** How a trial ended, in a few words. */
export function outcomeWords(outcome: TrialOutcome, task?: TaskFacts): string {
  const { wallSeconds } = outcome.facts;
  const time = wallSeconds === undefined ? '' : ` in ${showSeconds(wallSeconds)}`;
  switch (outcome.status) {
    case 'succeeded':
      return `${task?.metric ?? 'value'} ${showValue(outcome.result.value)}${time}`;
    case 'failed':
      return `${outcome.suspected ? 'suspected hack' : `failed (${outcome.failure})`}${time}: ${outcome.reason}`;
    case 'cancelled':
      return `cancelled: ${outcome.reason}`;
    default:
      return outcome satisfies never;
  }
}

function limitWords(limits: { readonly experiments?: number; readonly minutes?: number }): string {
  const words = [
    ...(limits.experiments === undefined ? [] : [count(limits.experiments, 'experiment')]),
    ...(limits.minutes === undefined ? [] : [count(limits.minutes, 'minute')]),
  ];
  return words.length > 0 ? `, at most ${words.join(' or ')}` : ', without a limit';
}

function comparisonWords({ comparison }: EventOf<'campaign.finished'>, task?: TaskFacts): string {
  if (!comparison) return '';
  const { champion, baselineMean, championMean, gain, interval, p, pairs } = comparison;
  return (
    `; ${champion} against the start: ${task?.metric ?? 'value'} ${showValue(baselineMean)} → ${showValue(championMean)}, ` +
    `gain ${showGain(gain)} (95 % interval ${showInterval(interval)}), p ${showP(p)}, ${count(pairs, 'pair')}`
  );
}
