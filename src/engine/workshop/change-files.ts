import type { ComparabilityInput } from '../../audit/comparability/judge-comparability.ts';
import type { CandidateRepository } from '../../candidate/candidate-repository.ts';
import type { Change } from '../../domain/hypothesis.ts';
import type { CandidateId } from '../../domain/ids.ts';
import { experimentOf, type CampaignState } from '../../domain/state.ts';
import { describeError } from '../../errors.ts';
import { applyKnobsToFiles } from '../../task/apply-knobs.ts';
import { discoverKnobs } from '../../task/knobs.ts';
import { applyPattern, patternState, removePattern } from '../../task/patterns.ts';
import type { Task } from '../../task/task.ts';

/** The files that a change makes of its parent; null removes one. */
export type ChangedFiles =
  | {
      readonly kind: 'files';
      readonly files: ReadonlyMap<string, string | Uint8Array | null>;
      readonly remarks: readonly string[];
    }
  | { readonly kind: 'failed'; readonly failure: 'build' | 'conflict'; readonly reason: string };

export interface ChangeParts {
  readonly repository: CandidateRepository;
  readonly task: Task;
  /** Absolute path of the interpreter that reads constants. */
  readonly python: string;
  /** A model to ask whether a change leaves the task the same. Undefined: none was named. */
  readonly comparability?: Pick<ComparabilityInput, 'ask' | 'task' | 'signal'> | undefined;
}

/** Carries out a change that has one parent. Merges have two and are made by git. */
export async function changeFiles(
  parts: ChangeParts,
  parent: CandidateId,
  change: Exclude<Change, { type: 'none' } | { type: 'merge' }>,
  state: CampaignState,
): Promise<ChangedFiles> {
  const { repository, task, python } = parts;
  switch (change.type) {
    case 'files':
      return { kind: 'files', files: new Map(Object.entries(change.files)), remarks: [] };
    case 'diff':
      return applyUnified(repository, parent, change.diff);
    case 'knobs': {
      const texts = await editableTexts(parts, parent);
      try {
        const knobs = await discoverKnobs({ python, files: texts, task });
        return onlyChanged(texts, applyKnobsToFiles(texts, knobs, change.values));
      } catch (error) {
        return { kind: 'failed', failure: 'build', reason: describeError(error) };
      }
    }
    case 'pattern': {
      const pattern = task.patterns.find(({ id }) => id === change.pattern);
      if (!pattern) return { kind: 'failed', failure: 'build', reason: `the task has no pattern '${change.pattern}'` };
      const texts = await editableTexts(parts, parent);
      const found = patternState(texts, pattern);
      if (found !== (change.action === 'apply' ? 'absent' : 'applied')) {
        return {
          kind: 'failed',
          failure: 'conflict',
          reason: `pattern '${pattern.id}' is ${found} in its parent: it can't be ${change.action === 'apply' ? 'applied' : 'removed'}`,
        };
      }
      return onlyChanged(
        texts,
        change.action === 'apply' ? applyPattern(texts, pattern) : removePattern(texts, pattern),
      );
    }
    case 'undo':
      return undo(parts, parent, change, state);
    default:
      return change satisfies never;
  }
}

/** Texts of the files that a candidate may change. */
export async function editableTexts(
  { repository, task }: ChangeParts,
  candidate: CandidateId,
): Promise<Map<string, string>> {
  const files = await repository.readFiles(candidate, (path) => task.isEditable(path));
  return new Map([...files].map(([path, content]) => [path, content.toString('utf8')]));
}

/**
 * Takes one accepted change back out of what was built on it: a pattern by its own reverse, knobs by the values they had before,
 * anything else as a reversed diff.
 */
async function undo(
  parts: ChangeParts,
  parent: CandidateId,
  change: Extract<Change, { type: 'undo' }>,
  state: CampaignState,
): Promise<ChangedFiles> {
  const { candidate, reference } = experimentOf(state, change.experiment);
  if (!candidate || !reference)
    return { kind: 'failed', failure: 'build', reason: `${change.experiment} has no candidate to undo` };
  const undone = change.change;
  if (undone.type === 'pattern') {
    const action = undone.action === 'apply' ? 'remove' : 'apply';
    const removed = await changeFiles(parts, parent, { ...undone, action }, state);
    if (removed.kind === 'files') return removed;
  }
  if (undone.type === 'knobs') {
    const before = await discoverKnobs({
      python: parts.python,
      files: await editableTexts(parts, reference),
      task: parts.task,
    });
    const values = Object.fromEntries(
      before.filter(({ name }) => name in undone.values).map(({ name, current }) => [name, current]),
    );
    const restored = await changeFiles(parts, parent, { type: 'knobs', values }, state);
    if (restored.kind === 'files') return restored;
  }
  return applyUnified(parts.repository, parent, await parts.repository.exportPatch(candidate, reference));
}

async function applyUnified(
  repository: CandidateRepository,
  parent: CandidateId,
  diff: string | Uint8Array,
): Promise<ChangedFiles> {
  const applied = await repository.applyDiff(parent, diff);
  switch (applied.kind) {
    case 'applied':
      return { kind: 'files', files: applied.changes, remarks: applied.note === undefined ? [] : [applied.note] };
    case 'conflict':
      return {
        kind: 'failed',
        failure: 'conflict',
        reason: `it does not fit ${applied.files.join(', ')}: ${applied.reason}`,
      };
    case 'refused':
      return { kind: 'failed', failure: 'build', reason: applied.reason };
    default:
      return applied satisfies never;
  }
}

function onlyChanged(before: ReadonlyMap<string, string>, after: ReadonlyMap<string, string>): ChangedFiles {
  return { kind: 'files', files: new Map([...after].filter(([path, text]) => before.get(path) !== text)), remarks: [] };
}
