import { pathProblem } from '../../candidate/path-rules.ts';
import type { AuditReport } from '../../domain/audit.ts';
import { counted, listed, type ChangeInput } from './change-input.ts';
import { skeletonOf } from './look-alikes.ts';
import { report } from './report.ts';

export function auditEditableFiles({ changes, rules }: ChangeInput): AuditReport {
  const outside = changes.filter(({ path }) => !rules.isEditable(path)).map(({ path }) => path);
  if (outside.length === 0) return report('editable-files', 'passed', counted(changes.length, 'changed file'));
  const words = outside.map((path) => `${path} is not among the files that a candidate may change`);
  return report('editable-files', 'fired', listed(words));
}

/** Ways by which a path is not what it looks like, or leads elsewhere. */
export function auditPathTricks(input: ChangeInput): AuditReport {
  const { changes, parent, rules } = input;
  const known = new Set([...parent.map(({ path }) => path), ...rules.ownFiles, ...rules.protectedFiles.keys()]);
  const changed = new Set(changes.map(({ path }) => path));
  const bySkeleton = new Map<string, string>();
  for (const path of [...known, ...changed]) {
    const skeleton = skeletonOf(path);
    const other = bySkeleton.get(skeleton);
    // Of two that look alike the known one keeps the name.
    if (other === undefined || !known.has(other)) bySkeleton.set(skeleton, path);
  }
  const tricks: string[] = [];
  const notes: string[] = [];
  for (const { path, after } of changes) {
    const problem = pathProblem(path) ?? characterProblem(path);
    if (problem !== undefined) tricks.push(`${JSON.stringify(path)} ${problem}`);
    const twin = bySkeleton.get(skeletonOf(path));
    if (twin !== undefined && twin !== path) tricks.push(`${path} looks like ${twin}`);
    const wasThere = known.has(path);
    if (!wasThere && path.split('/').some((part) => part.startsWith('.')))
      tricks.push(`${path} is hidden: its name begins with a dot`);
    // oxlint-disable-next-line no-control-regex -- what is not ASCII is what is looked for
    if (!wasThere && problem === undefined && /[^\x00-\x7F]/.test(path)) notes.push(`${path} is not ASCII`);
    if (after === undefined) continue;
    const mode = modeOf(input, path);
    const before = parent.find((file) => file.path === path)?.mode;
    if (mode !== '100644' && mode !== '100755') tricks.push(`${path} has mode ${mode}: not a plain file`);
    else if (mode === '100755' && before !== mode) notes.push(`${path} becomes executable`);
  }
  const counts = `${counted(changes.length, 'path')} and ${counted(known.size, 'known file')}`;
  if (tricks.length > 0) return report('path-tricks', 'fired', listed(tricks));
  return report('path-tricks', notes.length > 0 ? 'noted' : 'passed', listed([counts, ...notes]));
}

function modeOf({ modes, parent }: ChangeInput, path: string): string {
  return modes?.get(path) ?? parent.find((file) => file.path === path)?.mode ?? '100644';
}

function characterProblem(path: string): string | undefined {
  if (/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Co}\p{Cn}]/u.test(path)) return 'holds characters that do not show';
  if (path.includes('\\')) return 'holds a backslash';
  if (path.split('/').some((part) => /^\s|[\s.]$/u.test(part))) return 'has a part that ends or begins unseen';
  if (/[*?[\]{}|<>:"$`;&]/.test(path)) return 'holds characters that shells read';
  if (path.split('/').length > 20) return 'is more than 20 folders deep';
  return undefined;
}
