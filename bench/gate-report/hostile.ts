import path from 'node:path';
import type { RedTeamReport } from '../../src/report/red-team-table.ts';
import { KERNEL_SUITE, runSuite, suiteLines, TRAINING_SUITE } from '../../test/hostile/run-suite.ts';
import { REPOSITORY } from '../campaign.ts';
import type { Section } from './section.ts';

/** Every hostile and every honest program through the real sandbox, judge and audits. */
export async function hostileSection(): Promise<Section> {
  const lines: string[] = [];
  const numbers: Record<string, RedTeamReport> = {};
  for (const { folder, shorter } of [TRAINING_SUITE, KERNEL_SUITE]) {
    const report = await runSuite(path.join(REPOSITORY, folder), shorter);
    lines.push(`${folder}:`, ...suiteLines(report), '');
    numbers[folder] = report;
  }
  return { title: 'Hostile and honest programs', lines, numbers };
}
