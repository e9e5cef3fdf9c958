import type { AuditDescription } from './audit-description.ts';

const AGAINST = ['what a trial changed where it may not write, and what was changed between trials, whoever did it'];
const UNTESTED =
  'a candidate cannot write there: the tests of the audit change the files from outside, and test/integration/zones.test.ts tries it from inside';

function wholeFiles(id: string, what: string, cost: string): AuditDescription {
  return {
    id,
    version: 1,
    title: `${what} are as they were when the campaign began`,
    looksAt: 'files',
    runs: 'batch',
    weight: 'suspect',
    cost,
    heartbeat:
      'how many files of how many folders it looked at, how many it read again, and the first digits of their common hash',
    canaries: [],
    untestedBecause: UNTESTED,
    against: AGAINST,
  };
}

/** Files that trials rely on and that nobody may change while a campaign runs. */
export const ENVIRONMENT_AUDITS: readonly AuditDescription[] = [
  wholeFiles('environment', 'the interpreter and its packages', 'one stat a file (0.1 s for 25,000), 23 reads'),
  wholeFiles('judge-files', "the judge's own modules", 'one stat a file'),
  wholeFiles('task-files', 'the files of the task', 'one stat a file'),
  wholeFiles('data-files', 'the prepared data', 'one stat a file, up to 23 reads'),
];
