import type { EventOf } from './events.ts';
import { MAX_ATTEMPTS } from './trial.ts';
import { updateExperiment, type WorkingState } from './working-state.ts';

/** Profiles are no trials: they have a stage of their own in the account of time, and no part in any verdict. */
export function applyProfileEvent(
  state: WorkingState,
  event: EventOf<'profile.submitted' | 'experiment.profiled' | 'profile.failed'>,
): void {
  if (event.type === 'profile.submitted') {
    const { experiment, token } = event;
    state.profiles += 1;
    state.profiling = { experiment, token };
    return;
  }
  // One that was asked for by hand says nothing of what an engine has under way of another experiment.
  if (state.profiling?.experiment === event.experiment) delete state.profiling;
  state.trialSecondsByStage.profile += event.seconds ?? 0;
  if (event.type === 'experiment.profiled') {
    const { profile } = event;
    updateExperiment(state, event.experiment, (experiment) => ({ ...experiment, profile }));
  } else if (event.cancelled !== true) {
    updateExperiment(state, event.experiment, (experiment) => {
      const profilesLost = (experiment.profilesLost ?? 0) + 1;
      if (event.lost === true && profilesLost < MAX_ATTEMPTS) return { ...experiment, profilesLost };
      return { ...experiment, isProfileless: true };
    });
  }
}
