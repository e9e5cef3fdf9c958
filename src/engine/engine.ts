import type { AssayEvent } from '../domain/events.ts';
import type { Proposal } from '../domain/hypothesis.ts';
import { BASELINE_EXPERIMENT, type ExperimentId, type TrialId } from '../domain/ids.ts';
import { profileContext } from '../domain/profile-context.ts';
import { experimentOf, type CampaignState, type Experiment } from '../domain/state.ts';
import type { Stage, TrialOutcome } from '../domain/trial.ts';
import { UserError } from '../errors.ts';
import type { Slot } from '../executor/executor.ts';
import type { Proposer, ProposerContext } from '../proposer/proposer.ts';
import { AttemptRecords } from './attempt-records.ts';
import { advanceOne, concludeForTime } from './advance.ts';
import { allowance } from './budget.ts';
import type { CampaignLog } from './campaign-log.ts';
import type { BatchKeeper } from './guards/batch-keeper.ts';
import type { KeepAudits } from './guards/keep-audits.ts';
import { voidBatch } from './guards/void-batch.ts';
import type { GateRules } from './gate/rules.ts';
import { Mailbox } from './mailbox.ts';
import { profileDue, runProfile } from './profile/champion-profile.ts';
import { proposalEvents, silentChangeAudits } from './propose.ts';
import { runAttempt, type AttemptParts } from './run-attempt.ts';
import { runnableTrials } from './schedule.ts';
import type { Implementation, Workshop } from './workshop/workshop.ts';

export interface EngineParts extends AttemptParts {
  readonly log: CampaignLog;
  readonly workshop: Workshop;
  readonly proposer: Proposer;
  readonly rules: GateRules;
  readonly seedOf: (stage: Stage, pair: number) => number;
  /** Without it nothing is guarded: only in simulations. */
  readonly batches?: BatchKeeper;
  /** Ids of the audits that must look at every change. */
  readonly changeAudits?: readonly string[];
  /** Without it the numbers of a keep are not audited: only in simulations. */
  readonly keepAudits?: KeepAudits;
  /** The task has phases of the stage 'profile': the engine keeps the champion's profile for proposers. */
  readonly isProfiled?: boolean;
  /** Milliseconds since 1970. */
  readonly now: () => number;
}

export interface EngineControls {
  /** Start nothing new, let what runs end, stop. */
  readonly stop: AbortSignal;
  /** End what runs, stop. What was ended is run again by the next engine. */
  readonly abort: AbortSignal;
}

export type EngineExit = { readonly reason: 'finished' | 'asked' };

type Message =
  | { readonly kind: 'trial-ended'; readonly trial: TrialId; readonly slot: Slot; readonly outcome: TrialOutcome }
  | { readonly kind: 'profile-ended'; readonly slot: Slot; readonly event: AssayEvent }
  | { readonly kind: 'proposed'; readonly proposal: Proposal; readonly implementation: Implementation }
  | { readonly kind: 'nothing-proposed' }
  | { readonly kind: 'broken'; readonly error: unknown }
  | { readonly kind: 'wake' };

/** Proposals that are made ahead know nothing of the results that come in meanwhile. */
const MAX_PROPOSALS_AHEAD = 256;

/** So many proposals in a row may repeat what was tried before the search is taken to be exhausted. */
const MAX_REPEATED_REJECTIONS = 50;

/**
 * The loop: propose, implement, run, validate, learn, choose next. It alone decides and writes; trials and proposals run beside it
 * and post what they found. It can be killed at any moment: a new engine on the same log goes on where this one stopped.
 */
export class Engine {
  readonly #parts: EngineParts;
  readonly #controls: EngineControls;
  readonly #mailbox = new Mailbox<Message>();
  readonly #freeSlots: Slot[];
  /** Tokens of the attempts that this process waits for. */
  readonly #launched = new Set<string>();
  readonly #records: AttemptRecords;
  /** Ends the profile that is under way. */
  #profile: AbortController | undefined;
  #running = 0;
  #proposing = 0;
  #proposalCalls = 0;
  #rejectedInARow = 0;
  /** Moving average of how long a proposal takes. */
  #proposalSeconds = 0;
  /** The same of screens that have a length of their own; 0 where they have not. */
  #screenSeconds = 0;
  /** The proposer had nothing; ask again after the next verdict. */
  #proposerIdle = false;

  constructor(parts: EngineParts, controls: EngineControls) {
    this.#parts = parts;
    this.#controls = controls;
    this.#freeSlots = [...parts.executor.slots];
    this.#records = new AttemptRecords(parts.attemptsRoot);
  }

  get #state(): CampaignState {
    return this.#parts.log.state;
  }

  /** @throws UserError when the campaign can't go on (the starting point fails, the disk is full, another engine took over). */
  async run(): Promise<EngineExit> {
    const wake = (): void => this.#mailbox.post({ kind: 'wake' });
    this.#controls.stop.addEventListener('abort', wake);
    this.#controls.abort.addEventListener('abort', wake);
    const timer = setInterval(wake, 1000);
    try {
      this.#adoptSubmitted();
      for (;;) {
        await this.#advance();
        if (this.#stopping()) {
          if (this.#running === 0) return { reason: 'asked' };
        } else {
          await this.#keepBatches();
          if (await this.#finishIfOver()) return { reason: 'finished' };
          await this.#fillSlots();
          this.#askForProposals();
        }
        await this.#parts.log.snapshotIfDue();
        await this.#take(await this.#mailbox.take());
      }
    } finally {
      clearInterval(timer);
      this.#controls.stop.removeEventListener('abort', wake);
      this.#controls.abort.removeEventListener('abort', wake);
    }
  }

  #stopping(): boolean {
    return this.#controls.stop.aborted || this.#controls.abort.aborted;
  }

  /**
   * Trials that an earlier engine submitted: found and waited for, or started if it died before it could. With fewer slots than
   * before, the rest is adopted as slots become free.
   */
  #adoptSubmitted(): void {
    for (const trial of this.#state.trials.values()) {
      if (trial.state !== 'submitted' || trial.token === undefined || this.#launched.has(trial.token)) continue;
      const slot = this.#freeSlots.shift();
      if (!slot) return;
      this.#launch(trial.plan.trial, trial.token, slot);
    }
    const { profiling } = this.#state;
    if (!profiling || this.#profile || this.#parts.isProfiled !== true) return;
    const slot = this.#freeSlots.shift();
    if (slot) this.#launchProfile(profiling.experiment, profiling.token, slot);
  }

  /** Carries out gate steps until every open experiment waits for trials. */
  async #advance(): Promise<void> {
    const { log, rules, seedOf, now } = this.#parts;
    for (;;) {
      const { timeUp, reason } = allowance(this.#state, rules, now());
      const decided = advanceOne(this.#state, rules, seedOf, {
        onlyVerdicts: timeUp,
        keepAudits: this.#parts.keepAudits,
      });
      const events = decided ?? (timeUp ? concludeForTime(this.#state, reason ?? 'the time limit') : []);
      if (events.length === 0) return;
      await log.append(events);
      if (events.some((event) => event.type === 'experiment.concluded')) this.#proposerIdle = false;
      this.#checkBaseline();
    }
  }

  /** Opens the batch that new experiments join, and closes the one that is full. */
  async #keepBatches(): Promise<void> {
    const { batches, log, rules, workshop, now } = this.#parts;
    if (!batches) return;
    const isProposing = allowance(this.#state, rules, now()).proposals > 0;
    await log.append(await batches.open(this.#state, workshop, isProposing));
  }

  #checkBaseline(): void {
    const verdict = this.#state.experiments.get(BASELINE_EXPERIMENT)?.verdict;
    if (!verdict || verdict.kind === 'keep') return;
    throw new UserError(
      'baseline-failed',
      `the task's unchanged starting point failed, so nothing can be compared with it: ${verdict.reasons.join('; ')}`,
      'mend the task, try it with "assay check --run <task>", and start a new campaign',
    );
  }

  async #take(messages: readonly Message[]): Promise<void> {
    const events: AssayEvent[] = [];
    for (const message of messages) {
      switch (message.kind) {
        case 'trial-ended': {
          this.#free(message.slot);
          const trial = this.#state.trials.get(message.trial);
          if (!trial) throw new Error(`${message.trial} ended, but the log does not know it`);
          // Only now: between its end and here the log still has it as submitted, and it must not be adopted a second time.
          if (trial.token !== undefined) this.#launched.delete(trial.token);
          const { experiment, stage } = trial.plan;
          const { outcome, trial: id } = message;
          if (stage === 'screen') this.#timeScreen(outcome);
          events.push({ type: 'trial.finished', trial: id, experiment, attempt: trial.attempt, outcome });
          break;
        }
        case 'profile-ended':
          this.#free(message.slot);
          this.#profile = undefined;
          events.push(message.event);
          break;
        case 'proposed':
          this.#proposing -= 1;
          // Numbers of experiments depend on those before: append what came first.
          await this.#parts.log.append(events.splice(0));
          await this.#takeProposal(message.proposal, message.implementation);
          break;
        case 'nothing-proposed':
          this.#proposing -= 1;
          this.#proposerIdle = true;
          break;
        case 'broken':
          throw message.error;
        case 'wake':
          break;
        default:
          message satisfies never;
      }
    }
    await this.#parts.log.append([...events, ...this.#voidUnguarded(events)]);
  }

  #free(slot: Slot): void {
    this.#running -= 1;
    this.#freeSlots.push(slot);
    this.#freeSlots.sort((a, b) => a.index - b.index);
  }

  /** A silent guard is found where its report is missing: in the outcome of a trial. */
  #voidUnguarded(events: readonly AssayEvent[]): readonly AssayEvent[] {
    const reasons = new Map<number, string>();
    for (const event of events) {
      if (event.type !== 'trial.finished' || event.outcome.status !== 'failed') continue;
      if (event.outcome.failure !== 'unguarded') continue;
      const batch = experimentOf(this.#state, event.experiment).batch ?? this.#state.batch?.number;
      if (batch !== undefined) reasons.set(batch, `${event.trial}: ${event.outcome.reason}`);
    }
    return [...reasons].flatMap(([batch, reason]) => voidBatch(this.#state, batch, reason));
  }

  async #takeProposal(proposal: Proposal, implementation: Implementation): Promise<void> {
    const { log, workshop, rules, now } = this.#parts;
    if (this.#stopping() || allowance(this.#state, rules, now()).proposals === 0) return;
    const { events, experiment } = proposalEvents(this.#state, proposal, implementation);
    const silent = silentChangeAudits(proposal, implementation, this.#parts.changeAudits ?? []);
    this.#rejectedInARow = experiment ? 0 : this.#rejectedInARow + 1;
    if (experiment && implementation.kind === 'candidate') await workshop.name(experiment, implementation.candidate);
    const batch = this.#state.batch?.number;
    if (silent.length === 0 || batch === undefined) return log.append(events);
    const reason = `silent guards: ${silent.join(', ')} had to look at the change of ${experiment ?? 'a proposal'} and did not`;
    return log.append([...events, ...voidBatch(this.#state, batch, reason)]);
  }

  async #fillSlots(): Promise<void> {
    if (this.#freeSlots.length === 0) return;
    this.#adoptSubmitted();
    await this.#profileChampion();
    const launches: (() => void)[] = [];
    const events: AssayEvent[] = [];
    for (const { plan, attempt } of runnableTrials(this.#state)) {
      const slot = this.#freeSlots.shift();
      if (!slot) break;
      const token = `${plan.trial}-${attempt + 1}`;
      events.push({
        type: 'trial.submitted',
        trial: plan.trial,
        experiment: plan.experiment,
        attempt: attempt + 1,
        token,
      });
      launches.push(() => this.#launch(plan.trial, token, slot));
    }
    await this.#parts.log.append(events);
    for (const launch of launches) launch();
  }

  /** In a slot of its own, as a trial is, and only while proposers are to come that could read it. */
  async #profileChampion(): Promise<void> {
    const { log, rules, now, isProfiled } = this.#parts;
    if (isProfiled !== true || this.#isExhausted() || allowance(this.#state, rules, now()).proposals === 0) return;
    const experiment = profileDue(this.#state, now());
    const slot = experiment === undefined ? undefined : this.#freeSlots.shift();
    if (experiment === undefined || !slot) return;
    const token = `profile-${experiment}-${this.#state.profiles + 1}`;
    await log.append([{ type: 'profile.submitted', experiment, token }]);
    this.#launchProfile(experiment, token, slot);
  }

  #launchProfile(experiment: ExperimentId, token: string, slot: Slot): void {
    const { candidate } = experimentOf(this.#state, experiment);
    if (!candidate) throw new Error(`${experiment} was to be profiled, but the log has no commit of it`);
    this.#running += 1;
    this.#profile = new AbortController();
    const cancelled = AbortSignal.any([this.#controls.abort, this.#profile.signal]);
    void runProfile(this.#parts, { experiment, candidate, token, slot: slot.index }, cancelled)
      .then((event): Message => ({ kind: 'profile-ended', slot, event }))
      .catch((error: unknown): Message => ({ kind: 'broken', error }))
      .then((message) => {
        if (message.kind === 'profile-ended') this.#records.retire(token);
        this.#mailbox.post(message);
      });
  }

  #launch(id: TrialId, token: string, slot: Slot): void {
    const trial = this.#state.trials.get(id);
    if (!trial) throw new Error(`${id} was to run, but the log does not know it`);
    this.#running += 1;
    this.#launched.add(token);
    void runAttempt(this.#parts, { plan: trial.plan, token, slot: slot.index }, this.#controls.abort)
      .then((outcome): Message => ({ kind: 'trial-ended', trial: id, slot, outcome }))
      .catch((error: unknown): Message => ({ kind: 'broken', error }))
      .then((message) => {
        if (message.kind === 'trial-ended' && message.outcome.status === 'succeeded') this.#records.retire(token);
        this.#mailbox.post(message);
      });
  }

  /** The proposer has nothing, at least until the next verdict. */
  #isExhausted(): boolean {
    return this.#proposerIdle || this.#rejectedInARow >= MAX_REPEATED_REJECTIONS;
  }

  /** Keeps as many proposals under way as there will be slots for. */
  #askForProposals(): void {
    const { executor, rules, now } = this.#parts;
    const state = this.#state;
    if (!state.noise || this.#isExhausted()) return;
    const waiting = runnableTrials(state).length;
    const wanted = executor.slots.length + this.#ahead() - waiting - this.#proposing;
    const allowed = allowance(state, rules, now()).proposals - this.#proposing;
    for (let count = Math.min(wanted, allowed); count > 0; count -= 1) this.#propose();
  }

  #timeScreen({ facts: { wallSeconds = 0 } }: TrialOutcome): void {
    if (this.#state.task.screensApart !== true || !(wallSeconds > 0)) return;
    this.#screenSeconds = this.#screenSeconds === 0 ? wallSeconds : 0.7 * this.#screenSeconds + 0.3 * wallSeconds;
  }

  /**
   * How many proposals have to be under way so that slots need not wait for a slow proposer: as many trials as end while one is made
   * (Little's law). 0 for a proposer that takes no time.
   */
  #ahead(): number {
    // A proposal is screened first, and most go no further.
    const trialSeconds = this.#screenSeconds || (this.#state.noise?.trialSeconds ?? 0);
    if (trialSeconds <= 0 || this.#proposalSeconds < 0.1 * trialSeconds) return 0;
    const slots = this.#parts.executor.slots.length;
    return Math.min(MAX_PROPOSALS_AHEAD, Math.ceil((slots * this.#proposalSeconds) / trialSeconds));
  }

  #propose(): void {
    const { proposer, workshop } = this.#parts;
    const startedAt = performance.now();
    this.#proposing += 1;
    this.#proposalCalls += 1;
    const state = this.#state;
    const seed = `${state.searchSeed}:${state.experimentCount}:${state.rejectedProposals}:${this.#proposalCalls}`;
    const work = async (): Promise<Message> => {
      const proposal = await proposer.propose({ state, seed, ...championProfile(state) }, this.#controls.stop);
      this.#proposalSeconds = 0.7 * this.#proposalSeconds + 0.3 * ((performance.now() - startedAt) / 1000);
      if (!proposal) return { kind: 'nothing-proposed' };
      return { kind: 'proposed', proposal, implementation: await workshop.implement(proposal, state) };
    };
    void work()
      .catch((error: unknown): Message => ({ kind: 'broken', error }))
      .then((message) => this.#mailbox.post(message));
  }

  /** When nothing may be proposed any more and nothing is open: the final comparison, then the end. */
  async #finishIfOver(): Promise<boolean> {
    const { log, rules, workshop, now } = this.#parts;
    const state = this.#state;
    if (state.finished) return true;
    if (!state.noise || state.open.size > 0 || this.#proposing > 0) return false;
    const left = allowance(state, rules, now());
    const exhausted = this.#isExhausted();
    if (left.proposals > 0 && !exhausted) return false;
    if (this.#profile) {
      // Nobody will propose by it any more, and the final comparison has the machine to itself.
      this.#profile.abort();
      return false;
    }
    const reason = exhausted ? 'the proposer has nothing left to try' : `${left.reason} was reached`;
    await log.append((await this.#parts.batches?.close(state)) ?? []);
    if (state.champion === BASELINE_EXPERIMENT) {
      await log.append([{ type: 'campaign.finished', reason: `${reason}; nothing beat the starting point` }]);
      return true;
    }
    const { lastComparison } = state;
    if (lastComparison?.champion === state.champion) {
      const again = `${reason}; no new champion since the last comparison with the start`;
      await log.append([{ type: 'campaign.finished', reason: again, comparison: lastComparison }]);
      return true;
    }
    const proposal = finalProposal(experimentOf(state, state.champion), reason);
    const implementation = await workshop.implement(proposal, state);
    const { events } = proposalEvents(state, proposal, implementation);
    await log.append(
      events.map((event) =>
        event.type === 'experiment.implemented' ? { ...event, reference: state.baseline } : event,
      ),
    );
    await this.#advance();
    return false;
  }
}

/** The champion beside the starting point: an experiment like any other, but for its reference. */
function finalProposal(champion: Experiment, reason: string): Proposal {
  return {
    operator: 'baseline',
    proposer: 'engine',
    parent: champion.id,
    hypothesis: {
      kind: 'replication',
      statement: `the champion ${champion.id} is better than the starting point`,
      rationale: `${reason}; both are measured side by side on seeds that nothing was chosen by`,
    },
    change: { type: 'none' },
  };
}

function championProfile(state: CampaignState): Pick<ProposerContext, 'profile'> {
  const profile = profileContext(state, state.champion);
  return profile ? { profile } : {};
}
