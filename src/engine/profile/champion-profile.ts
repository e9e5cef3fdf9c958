import { randomInt } from 'node:crypto';
import path from 'node:path';
import type { AssayEvent } from '../../domain/events.ts';
import type { CandidateId, ExperimentId } from '../../domain/ids.ts';
import { experimentOf, type CampaignState } from '../../domain/state.ts';
import type { AttemptEnd } from '../../executor/executor.ts';
import type { RunContext } from '../../judge/judge.ts';
import { activeMs } from '../budget.ts';
import { runToEnd, type AttemptParts } from '../run-attempt.ts';
import { runnableTrials } from '../schedule.ts';
import { profileOfRun } from './profile-of-run.ts';

/** Of the slots' time. The first profile of a campaign is made whatever it costs. */
export const PROFILE_SHARE = 0.05;

/** Whom to profile now, if anybody: a champion that has no profile, while nothing that decides on a change waits for a slot. */
export function profileDue(state: CampaignState, now: number): ExperimentId | undefined {
  const champion = experimentOf(state, state.champion);
  if (!state.noise || state.profiling || champion.profile || champion.isProfileless || !champion.candidate)
    return undefined;
  const slots = Math.max(1, state.engine?.slots ?? 1);
  if (state.trialSecondsByStage.profile * 1000 > PROFILE_SHARE * slots * activeMs(state, now)) return undefined;
  const next = runnableTrials(state)[0]?.plan.stage ?? 'screen';
  return next === 'screen' ? champion.id : undefined;
}

export interface ProfileRequest {
  readonly experiment: ExperimentId;
  readonly candidate: CandidateId;
  readonly token: string;
  readonly slot: number;
}

/**
 * One profile from its token to the event that says what came of it. Like a trial it is found again when an earlier engine started it.
 * Its seed is none of the campaign's.
 */
export async function runProfile(
  parts: AttemptParts,
  request: ProfileRequest,
  cancelled: AbortSignal,
): Promise<AssayEvent> {
  const { experiment, candidate, token, slot } = request;
  const context: RunContext = {
    plan: { candidate, stage: 'profile', seed: randomInt(2 ** 31) },
    token,
    slot,
    directory: path.join(parts.attemptsRoot, token),
  };
  const ended = await runToEnd(parts, context, cancelled);
  if (!ended) return { type: 'profile.failed', experiment, seconds: 0, reason: 'stopped on request', cancelled: true };
  const seconds = secondsOf(ended.end);
  const found = await profileOfRun(context.directory, ended.end);
  await parts.executor.clean(ended.handle).catch(() => {});
  if (found.kind === 'unread') {
    const lost = ended.end.kind === 'lost' ? { lost: true as const } : {};
    return { type: 'profile.failed', experiment, seconds, reason: found.reason, ...lost };
  }
  return {
    type: 'experiment.profiled',
    experiment,
    device: parts.executor.device,
    profile: found.profile,
    seconds,
  };
}

function secondsOf(end: AttemptEnd): number {
  return end.kind === 'lost' ? 0 : end.phases.reduce((sum, { wallSeconds }) => sum + wallSeconds, 0);
}
