import type { AuditReport } from './audit.ts';
import type { AssayEvent, EventOf } from './events.ts';
import { chartSigma, observeReference, startDrift } from './drift.ts';
import { scoredAt } from './scored.ts';
import { observeScreen } from './screen-noise.ts';
import { isMeasurement, type Change, type Proposal } from './hypothesis.ts';
import { idNumber, type ExperimentId } from './ids.ts';
import { pairGain, pairTrials } from './pairs.ts';
import { applyBatchEvent, joinBatch } from './reduce-batch.ts';
import { applyProfileEvent } from './reduce-profile.ts';
import { updateExperiment, type WorkingState } from './working-state.ts';
import { measuresNoise, type Calibration, type CampaignState, type Experiment, type Trial } from './state.ts';
import { MAX_ATTEMPTS, type TrialOutcome, type TrialPlan } from './trial.ts';
import type { Verdict } from './verdict.ts';

/** A snapshot made by another version is thrown away. Raise it with every change of meaning below or in state.ts. */
export const REDUCER_VERSION = '7';

const PULLS_REMEMBERED = 200;
const BLOCKS_REMEMBERED = 16;

/** Folds one record into the state, in place. Total: every event in any order that an engine can write is accepted. */
export function applyEvent(state: WorkingState, record: { seq: number; at: number; event: AssayEvent }): void {
  const { event, at } = record;
  const previousAt = state.lastEventAt;
  state.seq = record.seq;
  state.lastEventAt = at;
  switch (event.type) {
    case 'campaign.created':
    case 'note.written':
      return;
    case 'campaign.extended':
      state.limits = { ...state.limits, ...event.limits };
      delete state.finished;
      return;
    case 'engine.started':
      // A killed engine wrote no last word: it ran at least until its last event.
      closeEngine(state, previousAt);
      state.engine = {
        pid: event.pid,
        host: event.host,
        slots: event.slots,
        sandbox: event.sandbox,
        device: event.device,
        startedAt: at,
      };
      return;
    case 'engine.stopped':
      closeEngine(state, at);
      return;
    case 'noise.measured':
      applyNoise(state, event);
      return;
    case 'proposal.rejected':
      state.rejectedProposals += 1;
      return;
    case 'experiment.proposed':
      applyProposed(state, event, at);
      return;
    case 'experiment.implemented':
      // What a guard does is nothing that a proposer may learn of, not even as 'tried before'.
      if (!state.trees.has(event.tree) && !isGuard(state, event.experiment))
        state.trees.set(event.tree, event.experiment);
      updateExperiment(state, event.experiment, (experiment) => ({
        ...experiment,
        proposal: withoutBodies(experiment.proposal),
        candidate: event.candidate,
        reference: event.reference,
        filesChanged: event.filesChanged,
        linesAdded: event.linesAdded,
        linesRemoved: event.linesRemoved,
        ...findings(event.audits),
      }));
      return;
    case 'trial.planned':
      applyPlanned(state, event);
      return;
    case 'trial.submitted': {
      const trial = state.trials.get(event.trial);
      state.attemptCount += 1;
      if (trial)
        state.trials.set(event.trial, { ...trial, state: 'submitted', attempt: event.attempt, token: event.token });
      return;
    }
    case 'trial.finished':
      applyFinished(state, event);
      return;
    case 'trial.withdrawn': {
      state.trials.delete(event.trial);
      const rest = (state.trialsOf.get(event.experiment) ?? []).filter((trial) => trial !== event.trial);
      state.trialsOf.set(event.experiment, rest);
      return;
    }
    case 'stage.passed':
      applyPassed(state, event);
      return;
    case 'experiment.concluded':
      applyConcluded(state, event, at);
      return;
    case 'experiment.audited':
      updateExperiment(state, event.experiment, (experiment) => ({
        ...experiment,
        auditedBy: {
          ...experiment.auditedBy,
          ...Object.fromEntries(event.audits.map(({ audit, version }) => [audit, version])),
        },
      }));
      return;
    case 'verdict.retracted':
      applyRetracted(state, event);
      return;
    case 'experiment.reproduced':
      return;
    case 'profile.submitted':
    case 'experiment.profiled':
    case 'profile.failed':
      applyProfileEvent(state, event);
      return;
    case 'batch.opened':
    case 'guard.reported':
    case 'batch.voided':
    case 'batch.closed':
      applyBatchEvent(state, event, at);
      return;
    case 'champion.changed':
      state.champion = event.experiment;
      return;
    case 'campaign.finished':
      if (event.comparison) state.lastComparison = event.comparison;
      state.finished = { reason: event.reason, at, ...(event.comparison ? { comparison: event.comparison } : {}) };
      return;
    default:
      event satisfies never;
  }
}

/** What was known of the spread before the machine drifted says nothing of it now. */
function applyNoise(state: WorkingState, event: EventOf<'noise.measured'>): void {
  const { type: _, occasion, candidate = state.baseline, ...noise } = event;
  const { runs, mean } = noise;
  state.noise = { ...noise, start: state.noise?.start ?? { runs, mean } };
  state.drift = startDrift(candidate, runs, mean);
  if (occasion === 'drift') {
    state.pairedDifferences = { sumOfSquares: 0, degrees: 0 };
    delete state.screenNoise;
  }
}

function closeEngine(state: WorkingState, at: number): void {
  if (!state.engine || state.engine.stoppedAt !== undefined) return;
  state.activeMs += Math.max(0, at - state.engine.startedAt);
  state.engine = { ...state.engine, stoppedAt: at };
}

function applyProposed(state: WorkingState, event: EventOf<'experiment.proposed'>, at: number): void {
  state.experiments.set(event.experiment, {
    id: event.experiment,
    proposal: event.proposal,
    proposedAt: at,
    replicated: false,
    trialSeconds: 0,
  });
  state.open.add(event.experiment);
  state.trialsOf.set(event.experiment, []);
  state.experimentCount = Math.max(state.experimentCount, idNumber(event.experiment) + 1);
  if (isMeasurement(event.proposal.operator)) state.measurementCount += 1;
  if (event.proposal.operator !== 'baseline') joinBatch(state, event.experiment);
}

function applyPlanned(state: WorkingState, event: EventOf<'trial.planned'>): void {
  const { plan } = event;
  state.trials.set(plan.trial, { plan, state: 'planned', attempt: 0, lost: 0 });
  state.trialsOf.get(plan.experiment)?.push(plan.trial);
  state.trialCount = Math.max(state.trialCount, idNumber(plan.trial));
  state.pairCount = Math.max(state.pairCount, plan.pair);
  if (plan.stage !== 'screen') return;
  const block = state.screenBlocks.get(plan.pair);
  if (block && plan.arm === 'candidate') {
    state.screenBlocks.set(plan.pair, { ...block, uses: block.uses + 1 });
  } else if (!block && plan.arm === 'reference') {
    const { pair, seed, candidate: reference, trial } = plan;
    state.screenBlocks.set(pair, { pair, seed, reference, trial, uses: 0 });
    if (state.screenBlocks.size > BLOCKS_REMEMBERED) dropOldBlock(state);
  }
}

/** A reference that will never run (time was up) is one that failed: nobody may join it or wait for it. */
function abandonBlock(state: WorkingState, { plan, state: at }: Trial): void {
  const block = state.screenBlocks.get(plan.pair);
  if (at !== 'ended' && block?.trial === plan.trial) state.screenBlocks.set(plan.pair, { ...block, value: null });
}

/** A block that an open experiment still waits for is never dropped. */
function dropOldBlock(state: WorkingState): void {
  const needed = new Set<number>();
  for (const trial of state.trials.values()) if (trial.plan.stage === 'screen') needed.add(trial.plan.pair);
  for (const pair of state.screenBlocks.keys()) {
    if (needed.has(pair)) continue;
    state.screenBlocks.delete(pair);
    return;
  }
}

function applyFinished(state: WorkingState, event: EventOf<'trial.finished'>): void {
  const trial = state.trials.get(event.trial);
  if (!trial) return;
  const { outcome } = event;
  const lost = trial.lost + (isLost(outcome) ? 1 : 0);
  // A cancelled attempt does not use up one of the attempts that a lost one may take. Its number is used up: it names a token, and
  // whoever looked for that token would find what was cancelled.
  const again = outcome.status === 'cancelled' || (isLost(outcome) && lost < MAX_ATTEMPTS);
  const { attempt } = event;
  state.trials.set(
    event.trial,
    again ? { plan: trial.plan, state: 'planned', attempt, lost } : { ...trial, lost, state: 'ended', outcome },
  );
  const seconds = outcome.facts.wallSeconds ?? 0;
  state.trialSecondsByStage[isGuard(state, event.experiment) ? 'guard' : trial.plan.stage] += seconds;
  updateExperiment(state, event.experiment, (experiment) => {
    const next = { ...experiment, trialSeconds: experiment.trialSeconds + seconds };
    if (outcome.status !== 'succeeded' || trial.plan.arm !== 'candidate') return next;
    if (scoredAt(trial.plan.stage, state.task.screensApart === true) === 'screen') return next;
    const count = (experiment.measured?.count ?? 0) + 1;
    const mean = experiment.measured?.mean ?? 0;
    return { ...next, measured: { count, mean: mean + (outcome.result.value - mean) / count } };
  });
  if (outcome.status === 'succeeded' && !isGuard(state, event.experiment))
    chartReference(state, trial.plan, outcome.result.value);
  const block = state.screenBlocks.get(trial.plan.pair);
  if (block && block.trial === event.trial && !again) {
    const value = outcome.status === 'succeeded' ? outcome.result.value : null;
    state.screenBlocks.set(block.pair, { ...block, value });
  }
}

function findings(audits: readonly AuditReport[] = []): Pick<Experiment, 'changeAudits'> {
  const found = audits.filter(({ finding }) => finding !== 'passed');
  return found.length > 0 ? { changeAudits: found } : {};
}

/** Runs of references are repeated measurements of something that does not change: they show when the machine does. */
function chartReference(state: WorkingState, { candidate, stage, arm }: TrialPlan, value: number): void {
  const { drift, noise } = state;
  if (!drift || !noise || arm !== 'reference' || !Number.isFinite(value)) return;
  const scored = scoredAt(stage, state.task.screensApart === true);
  if (scored === 'screen') {
    state.screenNoise = observeScreen(state.screenNoise, { candidate, value });
    return;
  }
  state.drift = observeReference(drift, { candidate, scored, value, sigma: chartSigma(noise) });
}

function isGuard(state: WorkingState, id: ExperimentId): boolean {
  return state.experiments.get(id)?.proposal.operator === 'guard';
}

function isLost(outcome: TrialOutcome): boolean {
  return outcome.status === 'failed' && outcome.failure === 'lost';
}

function applyPassed(state: WorkingState, event: EventOf<'stage.passed'>): void {
  if (event.stage === 'screen') {
    const { testIndex: index = 0, level = 0, variance = 0, tau = 0 } = event;
    state.tests = { ...state.tests, count: Math.max(state.tests.count, index) };
    updateExperiment(state, event.experiment, (experiment) => ({
      ...experiment,
      test: { index, level, variance, tau },
    }));
  } else if (event.stage === 'replicate') {
    updateExperiment(state, event.experiment, (experiment) => ({ ...experiment, replicated: true }));
  }
}

function applyConcluded(state: WorkingState, event: EventOf<'experiment.concluded'>, at: number): void {
  const { experiment: id, verdict } = event;
  const trials = (state.trialsOf.get(id) ?? []).flatMap((trial) => state.trials.get(trial) ?? []);
  poolDifferences(state, trials);
  for (const trial of trials) {
    state.trials.delete(trial.plan.trial);
    abandonBlock(state, trial);
  }
  state.trialsOf.delete(id);
  state.open.delete(id);
  updateExperiment(state, id, (experiment) => ({ ...experiment, verdict, concludedAt: at }));
  const experiment = state.experiments.get(id);
  // A look at the noise floor that came to nothing: the old one stands, and the chart begins again rather than ask at once.
  if (experiment && measuresNoise(experiment) && state.drift && verdict.kind !== 'keep')
    state.drift = { points: 0, average: 0, references: [] };
  // Measuring the starting point, or the champion beside it, tests no hypothesis.
  if (!experiment || isMeasurement(experiment.proposal.operator)) return;
  state.verdictCounts[verdict.kind] += 1;
  // Online false-discovery control counts what it lets through: the tests that ended in a keep. A removal that is merely not worse
  // claims nothing and was no test of it.
  if (verdict.kind === 'keep' && verdict.evidence.claim !== 'not-worse')
    state.tests = { ...state.tests, rejections: state.tests.rejections + 1 };
  creditOperator(state, experiment, verdict);
  checkPrediction(state, experiment, verdict);
}

/** Within-experiment spread of paired differences of honest pairs: what the next tests take as the variance of a pair. */
function poolDifferences(state: WorkingState, trials: readonly Trial[]): void {
  for (const stage of ['replicate', 'confirm'] as const) {
    const gains = pairTrials(trials, stage).flatMap((pair) => pairGain(pair, state.task.direction) ?? []);
    if (gains.length < 2) continue;
    const mean = gains.reduce((sum, value) => sum + value, 0) / gains.length;
    const squares = gains.reduce((sum, value) => sum + (value - mean) ** 2, 0);
    const { sumOfSquares, degrees } = state.pairedDifferences;
    state.pairedDifferences = { sumOfSquares: sumOfSquares + squares, degrees: degrees + gains.length - 1 };
  }
}

function creditOperator(state: WorkingState, experiment: Experiment, verdict: Verdict): void {
  const { operator } = experiment.proposal;
  const record = state.operators.get(operator) ?? { operator, pulls: 0, keeps: 0, totalSeconds: 0, totalGain: 0 };
  const kept = verdict.kind === 'keep';
  const gained = kept ? Math.max(0, verdict.evidence.shrunkenGain ?? 0) : 0;
  state.operators.set(operator, {
    operator,
    pulls: record.pulls + 1,
    keeps: record.keeps + (kept ? 1 : 0),
    totalSeconds: record.totalSeconds + experiment.trialSeconds,
    totalGain: record.totalGain + gained,
  });
  const pull = { operator, gain: gained, seconds: experiment.trialSeconds };
  state.recentPulls = [...state.recentPulls, pull].slice(-PULLS_REMEMBERED);
}

/** The best estimate there is of the true gain: confirmed, else replicated, else screened. */
export function bestGainEstimate(verdict: Verdict): number | undefined {
  const { confirmMeanGain, replicateMeanGain, screenGain } = verdict.evidence;
  return confirmMeanGain ?? replicateMeanGain ?? screenGain;
}

/** The best estimate of the gain of whole trials: what is predicted. Screens that are apart say nothing of it. */
export function wholeGainEstimate(state: Pick<CampaignState, 'task'>, verdict: Verdict): number | undefined {
  const { confirmMeanGain, replicateMeanGain } = verdict.evidence;
  return state.task.screensApart === true ? (confirmMeanGain ?? replicateMeanGain) : bestGainEstimate(verdict);
}

function checkPrediction(state: WorkingState, experiment: Experiment, verdict: Verdict): void {
  const predicted = experiment.proposal.hypothesis.predictedGain;
  const measured = wholeGainEstimate(state, verdict);
  if (!predicted || measured === undefined) return;
  const before: Calibration = state.calibration;
  state.calibration = {
    checked: before.checked + 1,
    covered: before.covered + (measured >= predicted.low && measured <= predicted.high ? 1 : 0),
    tooHigh: before.tooHigh + (measured < predicted.low ? 1 : 0),
    tooLow: before.tooLow + (measured > predicted.high ? 1 : 0),
  };
}

/** A keep that fell, and what holds its change. The error budget no longer counts it as a discovery: later tests get stricter. */
function applyRetracted(state: WorkingState, event: EventOf<'verdict.retracted'>): void {
  const { experiment: id, cause, reason } = event;
  const retracted = state.experiments.get(id);
  if (retracted?.retracted) return;
  updateExperiment(state, id, (experiment) => ({ ...experiment, retracted: { cause, reason } }));
  state.retractions += 1;
  if (retracted?.verdict?.evidence.claim !== 'not-worse')
    state.tests = { ...state.tests, rejections: Math.max(0, state.tests.rejections - 1) };
  for (const other of event.descendants) {
    updateExperiment(state, other, (experiment) => ({ ...experiment, builtOn: experiment.builtOn ?? id }));
  }
}

/** Whole files and diffs are in git by now; a hundred thousand of them need not be in memory too. */
function withoutBodies(proposal: Proposal): Proposal {
  return { ...proposal, change: shorten(proposal.change) };
}

function shorten(change: Change): Change {
  switch (change.type) {
    case 'files':
      return { type: 'files', files: Object.fromEntries(Object.keys(change.files).map((path) => [path, null])) };
    case 'diff':
      return { type: 'diff', diff: '' };
    case 'undo':
      return { ...change, change: shorten(change.change) };
    case 'none':
    case 'knobs':
    case 'pattern':
    case 'merge':
      return change;
    default:
      return change satisfies never;
  }
}
