import type { Pattern } from './schema-search.ts';

export type { Pattern } from './schema-search.ts';

/** Texts of files by path. */
export type FileTexts = ReadonlyMap<string, string>;
export type PatternState = 'applied' | 'absent' | 'inapplicable';

type Edit = Pattern['edits'][number];

/** 'absent': it can be applied. 'applied': it can be removed. 'inapplicable': neither, the files are too different. */
export function patternState(files: FileTexts, pattern: Pattern): PatternState {
  const canApply = edited(files, pattern, 'apply') !== undefined;
  const canRemove = edited(files, pattern, 'remove') !== undefined;
  if (canApply === canRemove) return 'inapplicable';
  return canApply ? 'absent' : 'applied';
}

/**
 * The files with all edits of the pattern. Never changes its argument.
 *
 * @throws RangeError unless the pattern is 'absent'.
 */
export function applyPattern(files: FileTexts, pattern: Pattern): Map<string, string> {
  return requireEdited(files, pattern, 'apply');
}

/**
 * The files as they were before `applyPattern`, byte for byte.
 *
 * @throws RangeError unless the pattern is 'applied'.
 */
export function removePattern(files: FileTexts, pattern: Pattern): Map<string, string> {
  return requireEdited(files, pattern, 'remove');
}

function requireEdited(files: FileTexts, pattern: Pattern, action: 'apply' | 'remove'): Map<string, string> {
  const state = patternState(files, pattern);
  const result = state === (action === 'apply' ? 'absent' : 'applied') ? edited(files, pattern, action) : undefined;
  if (result === undefined) throw new RangeError(`cannot ${action} the pattern '${pattern.id}': it is ${state}`);
  return result;
}

/** Undefined: an edit does not fit, or what it leaves behind could not be told apart afterwards. */
function edited(files: FileTexts, pattern: Pattern, action: 'apply' | 'remove'): Map<string, string> | undefined {
  const edits = action === 'apply' ? pattern.edits : pattern.edits.toReversed();
  const result = new Map(files);
  for (const edit of edits) {
    const [from, to] = action === 'apply' ? [edit.find, edit.replace] : [edit.replace, edit.find];
    const text = result.get(edit.file);
    if (text === undefined || editState(text, edit) !== (action === 'apply' ? 'absent' : 'applied')) return undefined;
    const start = firstOutside(text, from, to);
    const next = text.slice(0, start) + to + text.slice(start + from.length);
    if (editState(next, edit) !== (action === 'apply' ? 'applied' : 'absent')) return undefined;
    result.set(edit.file, next);
  }
  return result;
}

function editState(text: string, edit: Edit): PatternState {
  const finds = countOutside(text, edit.find, edit.replace);
  const replaces = countOutside(text, edit.replace, edit.find);
  if (finds === 1 && replaces === 0) return 'absent';
  return finds === 0 && replaces === 1 ? 'applied' : 'inapplicable';
}

/** Occurrences of `needle`, overlapping ones included, that are not part of an occurrence of the longer text `around`. */
function positionsOutside(text: string, needle: string, around: string): number[] {
  if (!around.includes(needle)) return positions(text, needle);
  const covers = positions(text, around);
  return positions(text, needle).filter(
    (start) => !covers.some((cover) => cover <= start && start + needle.length <= cover + around.length),
  );
}

function countOutside(text: string, needle: string, around: string): number {
  return positionsOutside(text, needle, around).length;
}

function firstOutside(text: string, needle: string, around: string): number {
  return positionsOutside(text, needle, around)[0] ?? -1;
}

function positions(text: string, needle: string): number[] {
  const found: number[] = [];
  for (let at = text.indexOf(needle); at !== -1; at = text.indexOf(needle, at + 1)) found.push(at);
  return found;
}
