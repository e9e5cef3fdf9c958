import type { Command } from 'commander';
import type { EventType } from '../domain/events.ts';
import type { EventRecord, ReadOptions, Store } from '../store/store.ts';
import { directoryOf, examples, wholeNumber, withCampaignArgument, withJson } from './options.ts';
import { openOutput, printable } from './output.ts';

interface LogOptions {
  readonly follow?: boolean;
  readonly after?: number;
  readonly types?: string;
  readonly experiment?: string;
}

const POLL_MS = 250;

/** `assay log`: the event log in plain words. */
export function registerLog(program: Command): void {
  withJson(withCampaignArgument(program.command('log').description('what happened, one line an event')))
    .option('-f, --follow', 'go on printing what happens, until interrupted or the campaign is finished')
    .option('--after <seq>', 'only events with a greater number', wholeNumber)
    .option('--types <list>', 'only events of these types, with commas between (experiment.concluded,champion.changed)')
    .option('--experiment <experiment>', 'only events about this experiment (e12)')
    .addHelpText(
      'after',
      examples([
        ['assay log --follow', 'watch a campaign'],
        ['assay log --types experiment.concluded', 'every verdict'],
        ['assay log --json --after 120', 'one JSON document a line, from event 121 on'],
      ]),
    )
    .action(async (name: string | undefined, options: LogOptions, command: Command) => {
      const { openLog } = await import('./open-log.ts');
      const { LogNarrator } = await import('../report/log-lines.ts');
      await using log = await openLog(directoryOf(command), name);
      const output = openOutput(command);
      const types =
        options.types === undefined ? undefined : (await import('./event-types.ts')).parseEventTypes(options.types);
      const narrator = new LogNarrator();
      const clock = new Intl.DateTimeFormat('sv-SE', { dateStyle: 'short', timeStyle: 'medium' });
      const isWanted = ({ event }: EventRecord): boolean => types === undefined || types.includes(event.type);
      const show = (record: EventRecord): void => {
        const text = narrator.line(record);
        if (!isWanted(record)) return;
        if (output.isJson) {
          output.jsonLine('assay.event.v1', { ...record, text });
          return;
        }
        const mark = `${String(record.seq).padStart(5)}  ${clock.format(record.at)}`;
        output.print(`${output.style('dim', mark)}  ${printable(text)}`);
      };
      await readLog({ store: log.store, options, show, types, isClosed: () => output.isClosed });
    });
}

interface Reading {
  readonly store: Store;
  readonly options: LogOptions;
  readonly show: (record: EventRecord) => void;
  readonly types: readonly EventType[] | undefined;
  readonly isClosed: () => boolean;
}

async function readLog({ store, options, show, types, isClosed }: Reading): Promise<void> {
  const { setTimeout: sleep } = await import('node:timers/promises');
  const experiment = options.experiment?.replace(/^(?=\d)/, 'e') as ReadOptions['experiment'];
  let after = options.after ?? 0;
  for (;;) {
    let isFinished = false;
    for await (const record of store.read({
      after,
      ...(experiment === undefined ? {} : { experiment }),
      ...withPlans(types),
    })) {
      show(record);
      after = record.seq;
      isFinished = record.event.type === 'engine.stopped' && record.event.reason === 'finished';
      if (isClosed()) return;
    }
    if (options.follow !== true || isFinished) return;
    await sleep(POLL_MS);
    if (isClosed()) return;
  }
}

/** The plans of trials and the task come along, so that later lines can tell of them; the caller does not print them. */
function withPlans(types: readonly EventType[] | undefined): Pick<ReadOptions, 'types'> {
  return types === undefined
    ? {}
    : { types: [...new Set<EventType>([...types, 'campaign.created', 'trial.planned', 'engine.stopped'])] };
}
