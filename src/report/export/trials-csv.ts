import type { TrialRow } from '../trials.ts';

const COLUMNS = [
  'experiment',
  'trial',
  'attempt',
  'stage',
  'arm',
  'pair',
  'seed',
  'candidate',
  'status',
  'value',
  'failure',
  'suspected',
  'reason',
  'wall_seconds',
  'budget_seconds',
  'peak_memory_bytes',
  'slot',
  'sandbox',
  'started_at',
  'ended_at',
  'metrics',
  'claim',
  'failed_checks',
  'role',
] as const;

/** The heading of trials.csv, with its line end. */
export const TRIALS_CSV_HEADER = `${COLUMNS.join(',')}\r\n`;

/**
 * One line of trials.csv by RFC 4180, with its line end. Unknown cells are empty; times are UTC; metrics and claim are JSON.
 *
 * @param role 'guard' for a trial of a canary or an honest control, which tests no hypothesis; else nothing.
 */
export function trialCsvLine(row: TrialRow, role = ''): string {
  const cells: readonly (string | number | undefined)[] = [
    row.experiment,
    row.trial,
    row.attempt,
    row.stage,
    row.arm,
    row.pair,
    row.seed,
    row.candidate,
    row.status,
    row.value,
    row.failure,
    row.isSuspected === undefined ? undefined : String(row.isSuspected),
    row.reason === undefined ? undefined : safeText(row.reason),
    row.wallSeconds,
    row.budgetSeconds,
    row.peakMemoryBytes,
    row.slot,
    row.sandbox,
    row.startedAt === undefined ? undefined : new Date(row.startedAt).toISOString(),
    row.endedAt === undefined ? undefined : new Date(row.endedAt).toISOString(),
    row.metrics && JSON.stringify(row.metrics),
    row.claim && JSON.stringify(row.claim),
    row.failedChecks && safeText(row.failedChecks.join('; ')),
    role,
  ];
  return `${cells.map(quote).join(',')}\r\n`;
}

function quote(cell: string | number | undefined): string {
  const text = cell === undefined ? '' : String(cell);
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}

/** A candidate's words must not become a formula in a spreadsheet. */
function safeText(text: string): string {
  return /^[=+\-@\t\r]/.test(text) ? `'${text}` : text;
}
