import { writeAtomically } from '../write-atomically.ts';
import { renderReport } from './page.ts';
import { collectReport, type ReportInput } from './report-data.ts';

/**
 * Writes the report of a campaign, finished or not: one HTML file that needs nothing else. A reader finds the old file or the whole
 * new one.
 *
 * @param input.file where to; its folder is made.
 * @returns the file.
 * @throws UserError `disk-full`, `report-unwritable`.
 */
export async function writeReport(input: ReportInput & { readonly file: string }): Promise<string> {
  await writeAtomically(input.file, renderReport(await collectReport(input)));
  return input.file;
}
