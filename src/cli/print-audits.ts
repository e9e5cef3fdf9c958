import type { AuditReport } from '../domain/audit.ts';
import type { ExperimentAudits } from '../report/audits.ts';
import { count } from '../report/numbers.ts';
import { printable, type Output } from './output.ts';

/** The audits of one experiment: one line for each, the gravest first. Prints nothing of an experiment that none has looked at. */
export function printAudits(output: Output, { change, trials, trialsAudited, looks, guard }: ExperimentAudits): void {
  const last = looks.at(-1);
  const inTrials = new Set(trials.map(({ audit }) => audit));
  const isAgain = last?.occasion === 'again';
  // Before a keep the trials' audits are gathered once more: they stand in the lines of the trials already. Of a look that was taken
  // again, what it found counts.
  const whole = (last?.audits ?? []).filter(({ audit, finding }) =>
    isAgain ? finding !== 'passed' : !inTrials.has(audit),
  );
  const looked = { change: 'change', keep: 'numbers', again: 'again' } as const;
  const rows = [
    ...change.map((report) => row('change', report, `v${report.version}`)),
    ...trials.map(({ audit, versions, passed, noted, fired, detail }) => ({
      looked: 'trials' as string,
      audit,
      version: versions.map((version) => `v${version}`).join(', '),
      found: [
        ...(fired > 0 ? [`FIRED ${fired}×`] : []),
        ...(noted > 0 ? [`noted ${noted}×`] : []),
        ...(passed > 0 ? [`passed ${passed}×`] : []),
      ].join(', '),
      detail,
    })),
    ...whole.map((report) => row(last ? looked[last.occasion] : '', report, `v${report.version}`)),
  ];
  if (guard) {
    output.print('');
    output.print(
      `${guard.guard.kind} ${guard.guard.id} of batch ${guard.batch}: ${guard.ok ? 'held' : 'FAILED'}: ${printable(guard.detail)}`,
    );
  }
  if (rows.length === 0 && !isAgain) return;
  const audited = Object.entries(trialsAudited).map(([stage, number]) => `${number} at ${stage}`);
  output.print('');
  output.print(
    output.style(
      'bold',
      `audits${audited.length === 0 ? '' : ` (${count(sum(trialsAudited), 'trial')} of the candidate: ${audited.join(', ')})`}`,
    ),
  );
  output.table(
    [
      { title: 'looked at' },
      { title: 'audit' },
      { title: 'version', dispensable: 1 },
      {
        title: 'found',
        style: (cell) => (cell.startsWith('FIRED') ? 'red' : cell.startsWith('noted') ? 'yellow' : undefined),
      },
      { title: 'in numbers', flexible: true },
    ],
    rows.map(({ looked: at, audit, version, found, detail }) => [at, audit, version, found, printable(detail)]),
  );
  if (last && isAgain) {
    const fired = last.audits.filter(({ finding }) => finding === 'fired').length;
    const when = new Date(last.at).toISOString().slice(0, 16).replace('T', ' ');
    output.print(
      `audited again on ${when} UTC: ${count(last.audits.length, 'audit')}, ${fired === 0 ? 'none fired' : `${fired} FIRED`}`,
    );
  }
}

interface Row {
  readonly looked: string;
  readonly audit: string;
  readonly version: string;
  readonly found: string;
  readonly detail: string;
}

function row(looked: string, { audit, finding, detail }: AuditReport, version: string): Row {
  return { looked, audit, version, found: finding === 'fired' ? 'FIRED' : finding, detail };
}

function sum(numbers: Readonly<Record<string, number>>): number {
  return Object.values(numbers).reduce((total, each) => total + each, 0);
}
