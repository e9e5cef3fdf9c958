import type { CampaignState } from '../domain/state.ts';
import type { ExperimentId } from '../domain/ids.ts';
import { UserError } from '../errors.ts';
import { openLog, type OpenLog } from './open-log.ts';

/** A campaign opened for reading: works beside a running engine and after one that was killed. Nothing is appended. */
export interface OpenCampaign extends OpenLog {
  readonly state: CampaignState;
}

/** @throws UserError `campaign-missing`, `campaign-empty`, `store-…`. */
export async function openCampaign(directory: string, name?: string): Promise<OpenCampaign> {
  const [{ loadState }, log] = await Promise.all([import('../engine/load-state.ts'), openLog(directory, name)]);
  try {
    const { state } = await loadState(log.store);
    return { ...log, state };
  } catch (error) {
    await log[Symbol.asyncDispose]();
    throw error;
  }
}

/**
 * The experiment that a person means: `e12`, `12`, `champion` (or `best`), `baseline` (or `start`), or the beginning of a commit.
 *
 * @throws UserError `experiment-missing`.
 */
export function findExperiment(state: CampaignState, word: string): ExperimentId {
  const name = word.toLowerCase();
  if (name === 'champion' || name === 'best') return state.champion;
  const id = (
    name === 'baseline' || name === 'start'
      ? 'e0'
      : /^\d+$/.test(name) && state.experiments.has(`e${name}` as ExperimentId)
        ? `e${name}`
        : name
  ) as ExperimentId;
  if (state.experiments.has(id)) return id;
  if (/^[0-9a-f]{7,64}$/.test(name)) {
    for (const experiment of state.experiments.values())
      if (experiment.candidate?.startsWith(name)) return experiment.id;
  }
  const last = Math.max(0, state.experimentCount - 1);
  throw new UserError(
    'experiment-missing',
    `campaign ${state.campaign} has no experiment '${word}'`,
    `experiments are e0 to e${last}, also 'champion', 'baseline' or a commit; see them with: assay results --all`,
  );
}
