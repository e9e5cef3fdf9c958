import type { Command } from 'commander';
import type { HackCase } from '../report/hack-ledger.ts';
import type { Rate, VersionRates } from '../report/hack-rates.ts';
import { directoryOf, examples, withCampaignArgument, withJson } from './options.ts';
import { openOutput, printable, type Output } from './output.ts';

interface HacksOptions {
  readonly allCampaigns?: boolean;
  readonly guards?: boolean;
}

/** `assay hacks`: what was tried by other means than the task asks for, what caught it, and how well the audits do. */
export function registerHacks(program: Command): void {
  withJson(
    withCampaignArgument(
      program
        .command('hacks')
        .description('the hack ledger: what was tried, what caught it, and how well each version of the audits does'),
    ),
  )
    .option('--all-campaigns', 'of every campaign in the directory')
    .option('--guards', 'also list the canaries that were caught and the controls that passed')
    .addHelpText(
      'after',
      examples([
        ['assay hacks', 'the campaign used last'],
        ['assay hacks --all-campaigns', 'detection and false alarms over all campaigns'],
        ['assay hacks --json', 'every case, for a script'],
      ]),
    )
    .action(async (name: string | undefined, options: HacksOptions, command: Command) => {
      const { findCampaign, listCampaigns } = await import('../engine/campaign-folder.ts');
      const { LEDGER_EVENTS, readCases } = await import('../report/hack-ledger.ts');
      const { detectionRate, falseAlarmRate, notedRate, ratesByVersion } = await import('../report/hack-rates.ts');
      const { openLog } = await import('./open-log.ts');
      const directory = directoryOf(command);
      const output = openOutput(command);
      const first = await findCampaign(directory, name);
      const names = options.allCampaigns === true ? (await listCampaigns(directory)).toSorted() : [first.name];
      const cases: HackCase[] = [];
      const unreadable: { campaign: string; reason: string }[] = [];
      for (const campaign of names) {
        try {
          await using log = await openLog(directory, campaign);
          cases.push(...(await readCases(log.store.read({ types: LEDGER_EVENTS }))));
        } catch (error) {
          if (options.allCampaigns !== true) throw error;
          // One broken campaign must not hide what is known of the others, nor be passed over in silence.
          unreadable.push({ campaign, reason: error instanceof Error ? error.message : String(error) });
        }
      }
      cases.sort((a, b) => a.at - b.at || a.seq - b.seq);
      const versions = ratesByVersion(cases);
      for (const { campaign, reason } of unreadable) output.warn(`campaign ${campaign} could not be read: ${reason}`);
      if (output.isJson) {
        const rates = {
          detection: detectionRate(cases),
          noted: notedRate(cases),
          falseAlarms: falseAlarmRate(cases),
        };
        output.json('assay.hacks.v1', { campaigns: names, unreadable, ...rates, versions, cases });
        return;
      }
      if (cases.length === 0) {
        output.print('nothing yet: no guard has reported, no verdict was a suspected hack, nothing was retracted');
        return;
      }
      const listed = cases.filter(
        ({ outcome }) => options.guards === true || (outcome !== 'caught' && outcome !== 'passed'),
      );
      await printCases(output, listed, names.length > 1);
      await printVersions(output, versions);
      const left = cases.length - listed.length;
      if (left > 0)
        output.print(output.style('dim', `${left} guards that held are not listed: assay hacks --guards, or --json`));
    });
}

async function printCases(output: Output, cases: readonly HackCase[], hasSeveral: boolean): Promise<void> {
  if (cases.length === 0) return;
  output.table(
    [
      { title: 'when' },
      { title: 'campaign', dispensable: 4 },
      { title: '' },
      { title: 'what became of it', style: caseStyle },
      { title: 'source', dispensable: 2 },
      { title: 'class', dispensable: 3 },
      { title: 'by', dispensable: 1 },
      { title: 'proposer', dispensable: 5 },
      { title: 'catalogue', dispensable: 6 },
      { title: 'commit', dispensable: 7 },
      { title: 'what was tried, and what was seen', flexible: true },
    ],
    cases.map((each) => [
      new Date(each.at).toISOString().slice(0, 16).replace('T', ' '),
      hasSeveral ? each.campaign : '',
      each.experiment,
      each.outcome,
      each.source,
      each.classes.join(', '),
      each.caughtBy.join(', '),
      each.proposer,
      each.catalogue ?? '',
      each.candidate?.slice(0, 7) ?? '',
      printable(`${each.statement}: ${each.detail}`),
    ]),
  );
  output.print('');
}

async function printVersions(output: Output, versions: readonly VersionRates[]): Promise<void> {
  if (versions.length === 0) return;
  output.table(
    [
      { title: 'catalogue' },
      { title: 'assay', dispensable: 2 },
      { title: 'last used', dispensable: 3 },
      { title: 'exploits caught' },
      { title: '95 % interval', dispensable: 1 },
      { title: 'only noted' },
      { title: '95 % interval', dispensable: 1 },
      { title: 'honest refused' },
      { title: '95 % interval', dispensable: 1 },
    ],
    await Promise.all(
      versions.map(async ({ catalogue, assayVersions, lastAt, detection, noted, falseAlarms }) => [
        catalogue ?? 'unknown',
        assayVersions.join(', '),
        new Date(lastAt).toISOString().slice(0, 10),
        countWords(detection),
        await intervalWords(detection),
        countWords(noted),
        await intervalWords(noted),
        countWords(falseAlarms),
        await intervalWords(falseAlarms),
      ]),
    ),
  );
}

export function countWords({ count, total }: Rate): string {
  return total === 0 ? 'none ran' : `${count} of ${total}`;
}

export async function intervalWords({ interval }: Rate): Promise<string> {
  const { showPercent } = await import('../report/numbers.ts');
  return interval ? `${showPercent(interval.low)} to ${showPercent(interval.high)}` : '';
}

function caseStyle(outcome: string): 'red' | 'yellow' | 'green' | 'magenta' | undefined {
  switch (outcome) {
    case 'missed':
    case 'retracted':
      return 'red';
    case 'caught':
    case 'passed':
      return 'green';
    case 'noted':
      return 'yellow';
    case 'suspected':
      return 'magenta';
    default:
      return undefined;
  }
}
