import { judgeComparability } from '../../audit/comparability/judge-comparability.ts';
import { auditChange } from '../../audit/static/audit-change.ts';
import type { ChangeInput, ChangeRules, FileChange } from '../../audit/static/change-input.ts';
import { isRefusal } from '../../audit/static/report.ts';
import type { AuditReport } from '../../domain/audit.ts';
import type { CandidateId } from '../../domain/ids.ts';
import type { ChangeParts } from './change-files.ts';
import type { Implementation } from './workshop.ts';

/** Audits the files that a change makes of its parent, before there is a commit of them. */
export async function auditFiles(
  parts: ChangeParts,
  rules: ChangeRules,
  parent: CandidateId,
  files: ReadonlyMap<string, string | Uint8Array | null>,
): Promise<readonly AuditReport[]> {
  const { repository } = parts;
  const [listed, before] = await Promise.all([repository.list(parent), repository.readFiles(parent)]);
  const changes = [...files].map(([path, after]): FileChange => {
    const was = before.get(path);
    return {
      path,
      ...(was === undefined ? {} : { before: was }),
      ...(after === null ? {} : { after: typeof after === 'string' ? Buffer.from(after) : after }),
    };
  });
  const others = new Map([...before].filter(([path]) => !files.has(path)));
  return lookAt(parts, { changes, parent: listed, others, rules });
}

/** Audits a candidate that git has combined: whatever differs from its parent, modes included. */
export async function auditCandidate(
  parts: ChangeParts,
  rules: ChangeRules,
  parent: CandidateId,
  candidate: CandidateId,
): Promise<readonly AuditReport[]> {
  const { repository } = parts;
  const [listed, combined] = await Promise.all([repository.list(parent), repository.list(candidate)]);
  const was = new Map(listed.map((file) => [file.path, file]));
  const is = new Map(combined.map((file) => [file.path, file]));
  const isChanged = (path: string): boolean =>
    was.get(path)?.id !== is.get(path)?.id || was.get(path)?.mode !== is.get(path)?.mode;
  const [before, after] = await Promise.all([repository.readFiles(parent), repository.readFiles(candidate, isChanged)]);
  const changes = [...new Set([...was.keys(), ...is.keys()])].filter(isChanged).map((path): FileChange => {
    const [old, made] = [before.get(path), after.get(path)];
    return { path, ...(old === undefined ? {} : { before: old }), ...(made === undefined ? {} : { after: made }) };
  });
  const others = new Map([...before].filter(([path]) => !isChanged(path)));
  const modes = new Map(combined.map(({ path, mode }) => [path, mode]));
  return lookAt(parts, { changes, parent: listed, modes, others, rules });
}

/** The audits of a change, and a model's opinion where the user has named one: it can only ask for a closer look. */
async function lookAt(
  { python, comparability }: ChangeParts,
  input: Omit<ChangeInput, 'python'>,
): Promise<readonly AuditReport[]> {
  const [audits, opinion] = await Promise.all([
    auditChange({ ...input, python }),
    comparability && input.changes.length > 0
      ? judgeComparability({ ...comparability, changes: input.changes, python })
      : undefined,
  ]);
  return opinion ? [...audits, opinion] : audits;
}

/** Why no candidate may be made; undefined: nothing is refused. */
export function refusal(audits: readonly AuditReport[]): Extract<Implementation, { kind: 'failed' }> | undefined {
  const fired = audits.filter(isRefusal);
  if (fired.length === 0) return undefined;
  const reason = fired.map(({ audit, detail }) => `${audit}: ${detail}`).join('; ');
  return { kind: 'failed', failure: 'build', reason, audits };
}
