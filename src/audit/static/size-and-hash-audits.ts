import { makeObject } from '../../candidate/object-format.ts';
import type { AuditReport } from '../../domain/audit.ts';
import { counted, listed, type ChangeInput, type FileChange } from './change-input.ts';
import { report } from './report.ts';

export function auditDiffSize({ changes, rules }: ChangeInput): AuditReport {
  let bytes = 0;
  for (const change of changes) bytes += changedBytes(change);
  const detail = `the change adds or removes ${bytes} bytes; the task allows ${rules.maxDiffBytes}`;
  if (bytes <= rules.maxDiffBytes) return report('diff-size', 'passed', detail);
  return report('diff-size', 'fired', `${detail} (weights hidden in code?)`);
}

/** Bytes of the lines that are only on one side, or of the middle that differs where that is less (one long line). */
export function changedBytes({ before, after }: FileChange): number {
  const was = Buffer.from(before ?? []);
  const is = Buffer.from(after ?? []);
  if (was.equals(is)) return 0;
  const most = Math.min(was.length, is.length);
  let start = 0;
  while (start < most && was[start] === is[start]) start += 1;
  let end = 0;
  while (end < most - start && was[was.length - 1 - end] === is[is.length - 1 - end]) end += 1;
  const middle = was.length + is.length - 2 * (start + end);
  // Latin-1 keeps one character for each byte.
  const counts = new Map<string, number>();
  for (const line of was.toString('latin1').split('\n')) counts.set(line, (counts.get(line) ?? 0) + 1);
  for (const line of is.toString('latin1').split('\n')) counts.set(line, (counts.get(line) ?? 0) - 1);
  let lines = 0;
  for (const [line, count] of counts) lines += Math.abs(count) * (line.length + 1);
  return Math.min(lines, middle);
}

/** The candidate's copies never run, but one that differs is a try, or a sign that candidate and task don't belong together. */
export function auditProtectedHashes({ changes, parent, rules }: ChangeInput): AuditReport {
  const tree = new Map(parent.map(({ path, id }) => [path, id]));
  const wrong: string[] = [];
  for (const { path, after } of changes) {
    if (after === undefined) {
      tree.delete(path);
      if (rules.protectedFiles.has(path)) wrong.push(`${path} is removed`);
    } else tree.set(path, makeObject('blob', Buffer.from(after)).id);
  }
  let compared = 0;
  for (const [path, id] of tree) {
    const allowed = rules.protectedFiles.get(path);
    if (allowed === undefined) {
      if (rules.isProtected(path)) wrong.push(`${path} has a protected name, but the task has no such file`);
      continue;
    }
    compared += 1;
    if (!allowed.has(id)) wrong.push(`${path} is not the task's`);
  }
  if (wrong.length > 0) return report('protected-hashes', 'fired', listed(wrong));
  const absent = rules.protectedFiles.size - compared;
  const words = `${counted(compared, 'protected file')} compared`;
  return report('protected-hashes', 'passed', absent > 0 ? `${words}, ${absent} not in the candidate` : words);
}
