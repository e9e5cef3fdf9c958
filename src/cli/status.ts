import type { Command } from 'commander';
import type { CampaignState } from '../domain/state.ts';
import type { RunningTrial } from '../report/running-trials.ts';
import type { EngineStatus } from './engine-status.ts';
import { directoryOf, examples, withCampaignArgument, withJson } from './options.ts';
import { openOutput, printable, type Output } from './output.ts';

/** `assay status`: is an engine at work, on what, and how far is it. */
export function registerStatus(program: Command): void {
  withJson(withCampaignArgument(program.command('status').description('what a campaign is doing, and how far it is')))
    .addHelpText(
      'after',
      examples([
        ['assay status', 'the campaign used last'],
        ['assay status --json', 'the same for a script'],
      ]),
    )
    .action(async (name: string | undefined, _options, command: Command) => {
      const { openCampaign } = await import('./open-campaign.ts');
      await using campaign = await openCampaign(directoryOf(command), name);
      const { engineStatus } = await import('./engine-status.ts');
      const { runningTrials } = await import('../report/running-trials.ts');
      const { campaignSummary } = await import('../report/summary.ts');
      const { summaryLines } = await import('../report/summary-lines.ts');
      const { state, store } = campaign;
      const engine = await engineStatus(store);
      const isAtWork = engine.status === 'running' || engine.status === 'elsewhere';
      const now = Date.now();
      // An engine that was killed did not work on after its last event.
      const summary = campaignSummary(state, isAtWork ? now : state.lastEventAt);
      const running = await runningTrials(state, store);
      const output = openOutput(command);
      if (output.isJson) {
        output.json('assay.status.v1', { engine, running, ...summary });
        return;
      }
      const { labelled } = await import('./labelled-lines.ts');
      const [first, ...rest] = summaryLines(summary);
      output.print(labelled([...(first ? [first] : []), ['engine', engineWords(engine, state)], ...rest], output));
      printRunning(output, running, isAtWork, now);
    });
}

function engineWords(engine: EngineStatus, state: CampaignState): string {
  switch (engine.status) {
    case 'running':
      return `running (pid ${engine.owner.pid})`;
    case 'elsewhere':
      return `held by pid ${engine.owner.pid} on ${engine.owner.host}; whether it lives can't be seen from here`;
    case 'killed':
      return `pid ${engine.owner.pid} was killed; go on with: assay resume`;
    case 'none':
      if (state.finished) return 'none; the campaign is finished';
      return state.engine && state.engine.stoppedAt === undefined
        ? 'none; the last one was killed; go on with: assay resume'
        : 'none; go on with: assay resume';
    default:
      return engine satisfies never;
  }
}

function printRunning(output: Output, running: readonly RunningTrial[], isAtWork: boolean, now: number): void {
  if (running.length === 0) return;
  output.print('');
  output.table(
    [
      { title: isAtWork ? 'running' : 'interrupted' },
      { title: 'trial' },
      { title: 'stage' },
      { title: 'side', dispensable: 1 },
      { title: 'seed', align: 'right', dispensable: 2 },
      { title: 'for', align: 'right' },
      { title: 'hypothesis', flexible: true },
    ],
    running.map((trial) => [
      trial.experiment,
      trial.trial,
      trial.stage,
      trial.arm,
      String(trial.seed),
      isAtWork && trial.startedAt !== undefined ? `${Math.max(0, Math.round((now - trial.startedAt) / 1000))} s` : '',
      printable(trial.statement),
    ]),
  );
}
