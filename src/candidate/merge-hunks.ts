/** Line numbers count from 0; `end` is the first line after. `start === end`: lines are put in before line `start`. */
export interface Hunk {
  readonly start: number;
  readonly end: number;
  /** The lines of the changed version that stand there instead. */
  readonly replacement: { readonly start: number; readonly end: number };
}

export interface ResolvedHunk {
  /** In the common version, from 1: the line at which the changes meet. */
  readonly line: number;
  /** `adjacent`: the changed ranges touch. `both-inserted`: both put lines in at one place; both are kept, in the order of their bytes. */
  readonly how: 'adjacent' | 'both-inserted';
}

export interface HunkConflict {
  /** In the common version, from 1, both included. */
  readonly firstLine: number;
  readonly lastLine: number;
  /** The text of each version there, shortened. */
  readonly base: string;
  readonly ours: string;
  readonly theirs: string;
}

export interface MergeSides {
  readonly base: Buffer;
  readonly ours: { readonly text: Buffer; readonly hunks: readonly Hunk[] };
  readonly theirs: { readonly text: Buffer; readonly hunks: readonly Hunk[] };
}

export type HunkMerge =
  | { readonly kind: 'merged'; readonly text: Buffer; readonly resolved: readonly ResolvedHunk[] }
  | { readonly kind: 'conflict'; readonly conflicts: readonly HunkConflict[] };

interface SidedHunk {
  readonly side: 'ours' | 'theirs';
  readonly start: number;
  readonly end: number;
  readonly lines: Buffer;
}

/** Bounds what a conflict quotes. */
const QUOTED_CHARACTERS = 2000;

/**
 * Combines two sets of changes of one text without asking for unchanged lines between them, which git does. Changes that
 * overlap, or of which one puts lines inside what the other replaces, are a conflict. The result does not depend on which side
 * is called ours.
 */
export function mergeHunks(sides: MergeSides): HunkMerge {
  const baseLines = splitLines(sides.base);
  const hunks = [...sided(sides, 'ours'), ...sided(sides, 'theirs')].sort(inOrder);
  const kept: SidedHunk[] = [];
  const resolved: ResolvedHunk[] = [];
  const conflicts: [SidedHunk, SidedHunk][] = [];
  for (const hunk of hunks) {
    const other = kept.findLast((before) => before.side !== hunk.side);
    const relation = other === undefined ? 'apart' : relate(other, hunk);
    if (relation === 'same') continue;
    if (relation === 'overlap') conflicts.push([other as SidedHunk, hunk]);
    else if (relation !== 'apart') resolved.push({ line: hunk.start + 1, how: relation });
    kept.push(hunk);
  }
  if (conflicts.length > 0) {
    return { kind: 'conflict', conflicts: conflicts.map(([first, second]) => describe(baseLines, first, second)) };
  }
  const parts: Buffer[] = [];
  let position = 0;
  for (const hunk of kept) {
    parts.push(...baseLines.slice(position, hunk.start), hunk.lines);
    position = hunk.end;
  }
  parts.push(...baseLines.slice(position));
  return { kind: 'merged', text: joinWithNewlines(parts), resolved };
}

function sided(sides: MergeSides, side: 'ours' | 'theirs'): SidedHunk[] {
  const lines = splitLines(sides[side].text);
  return sides[side].hunks.map(({ start, end, replacement }) => ({
    side,
    start,
    end,
    lines: Buffer.concat(lines.slice(replacement.start, replacement.end)),
  }));
}

/** By place; lines put in at a place come before what replaces the lines there; then by content, so that sides do not matter. */
function inOrder(left: SidedHunk, right: SidedHunk): number {
  return left.start - right.start || left.end - right.end || Buffer.compare(left.lines, right.lines);
}

/** `first` starts at or before `second`, and is of the other side. */
function relate(first: SidedHunk, second: SidedHunk): 'same' | 'overlap' | 'apart' | ResolvedHunk['how'] {
  if (first.start === second.start && first.end === second.end && first.lines.equals(second.lines)) return 'same';
  if (first.end > second.start) return 'overlap';
  if (first.end < second.start) return 'apart';
  return first.start === first.end && second.start === second.end ? 'both-inserted' : 'adjacent';
}

function describe(baseLines: readonly Buffer[], first: SidedHunk, second: SidedHunk): HunkConflict {
  const start = Math.min(first.start, second.start);
  const end = Math.max(first.end, second.end);
  const [ours, theirs] = first.side === 'ours' ? [first, second] : [second, first];
  const quote = (text: Buffer) => text.toString().slice(0, QUOTED_CHARACTERS);
  return {
    firstLine: start + 1,
    lastLine: Math.max(end, start + 1),
    base: quote(Buffer.concat(baseLines.slice(start, end))),
    ours: quote(ours.lines),
    theirs: quote(theirs.lines),
  };
}

/** Each line with its newline; the last may lack it. */
function splitLines(text: Buffer): Buffer[] {
  const lines: Buffer[] = [];
  for (let start = 0; start < text.length;) {
    const newline = text.indexOf(10, start);
    const end = newline < 0 ? text.length : newline + 1;
    lines.push(text.subarray(start, end));
    start = end;
  }
  return lines;
}

/** A last line without a newline gets one if something now follows it. */
function joinWithNewlines(parts: readonly Buffer[]): Buffer {
  const filled = parts.filter((part) => part.length > 0);
  const newline = Buffer.from('\n');
  return Buffer.concat(
    filled.flatMap((part, index) => (index < filled.length - 1 && part.at(-1) !== 10 ? [part, newline] : [part])),
  );
}
