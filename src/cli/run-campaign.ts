import type { Limits } from '../domain/events.ts';
import type { CampaignState } from '../domain/state.ts';
import type { CampaignFolder } from '../engine/campaign-folder.ts';
import { runSession } from '../engine/session.ts';
import { EXIT } from './exit-codes.ts';
import { listenForInterruption } from './interruption.ts';
import { liveProgress } from './live-progress.ts';
import type { Output } from './output.ts';
import { printEnding } from './ending.ts';

export interface RunOptions {
  readonly slots?: number;
  readonly python?: string;
  readonly acceptChanges?: boolean;
  /** Go on with a campaign that was measured on another device. */
}

/** Runs a campaign in the foreground with live progress, then prints what came of it. Sets the exit code. */
export async function runCampaign(
  folder: CampaignFolder,
  limits: Limits | undefined,
  options: RunOptions,
  output: Output,
): Promise<void> {
  let interrupted = false;
  {
    using progress = liveProgress(output);
    using controls = listenForInterruption((text) => progress.say(text));
    const exit = await runSession(
      {
        folder,
        ...(limits ? { limits } : {}),
        ...(options.slots === undefined ? {} : { slots: options.slots }),
        ...(options.python === undefined ? {} : { python: options.python }),
        ...(options.acceptChanges === undefined ? {} : { acceptChanges: options.acceptChanges }),
        report: ({ message, elapsedSeconds }) => progress.step(`set-up: ${message} (${elapsedSeconds.toFixed(0)} s)`),
        ready: (state) => progress.say(readyWords(state)),
        observe: (record, state) => progress.observe(record, state),
      },
      controls,
    );
    interrupted = controls.times() > 0 && exit.reason === 'asked';
  }
  await printEnding(folder, output);
  if (interrupted) process.exitCode = EXIT.interrupted;
}

function readyWords(state: CampaignState): string {
  const { task, engine, limits } = state;
  const parts = [
    limits.experiments === undefined ? '' : `up to ${limits.experiments} experiments`,
    limits.minutes === undefined ? '' : `up to ${limits.minutes} minutes`,
  ].filter((part) => part !== '');
  const weak =
    engine?.sandbox === 'process'
      ? '\nwarning: no bubblewrap here, so candidates are confined weakly; every verdict says so (assay doctor)'
      : '';
  return (
    `campaign ${state.campaign}: ${task.direction} ${task.metric} of ${task.name} from '${task.start}'` +
    `${parts.length > 0 ? `, ${parts.join(', ')}` : ''}\n${engine?.device}, sandbox ${engine?.sandbox}${weak}`
  );
}
