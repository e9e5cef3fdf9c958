import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { requireGit, type GitAnswer, type RunGit } from './git-command.ts';
import type { ObjectStore } from './object-store.ts';
import { pathProblem } from './path-rules.ts';

export type AppliedDiff =
  /** For `commitChange`; null: the file is removed. Empty if the diff changes nothing. */
  | { readonly kind: 'applied'; readonly changes: ReadonlyMap<string, Buffer | null>; readonly note?: string }
  /** It does not fit these files. `files` are those git names; the reason is git's. */
  | { readonly kind: 'conflict'; readonly files: readonly string[]; readonly reason: string }
  /** It is no diff, or one that no candidate may have: a path outside, a link. */
  | { readonly kind: 'refused'; readonly reason: string };

/**
 * Applies a diff in a scratch index, for real: `git apply --3way --check` says yes to a conflict.
 *
 * With `index` lines of blobs that we have, git merges three-way; without, the hunks must fit exactly (at any line).
 */
export async function applyDiff(
  git: RunGit,
  store: ObjectStore,
  candidate: string,
  diff: string | Uint8Array,
): Promise<AppliedDiff> {
  const input = endWithNewline(diff);
  const scratch = await mkdtemp(join(tmpdir(), 'assay-apply-'));
  try {
    // With --3way, git 2.39 writes an existing file that the diff means to add into the working tree, --cached or not.
    const tree = join(scratch, 'tree');
    await mkdir(tree);
    const environment = { GIT_INDEX_FILE: join(scratch, 'index'), GIT_WORK_TREE: tree };
    const apply = async (...more: string[]) => {
      await requireGit(git, ['read-tree', candidate], { environment });
      const args = ['apply', '--cached', '--3way', '--whitespace=nowarn', ...more, '-'];
      return git(args, { input, environment, workingDirectory: tree });
    };
    const strip = hasPrefixes(input) ? '-p1' : '-p0';
    let answer = await apply(strip);
    let note: string | undefined;
    if (answer.exitCode !== 0 && /corrupt patch|patch fragment without header/.test(answer.stderr)) {
      // A language model counts lines badly; the lines themselves are what it means.
      answer = await apply(strip, '--recount');
      note = 'the line counts in the hunk headers were wrong and were counted again';
    }
    if (answer.exitCode !== 0) return explain(answer);
    const changed = await requireGit(
      git,
      ['diff-index', '--cached', '--raw', '-z', '--no-abbrev', '--no-renames', '-r', candidate],
      { environment },
    );
    return await readChanges(store, changed, note);
  } finally {
    await rm(scratch, { recursive: true, force: true });
  }
}

async function readChanges(store: ObjectStore, raw: Buffer, note: string | undefined): Promise<AppliedDiff> {
  const changes = new Map<string, Buffer | null>();
  const fields = splitAtNul(raw);
  for (let index = 0; index + 1 < fields.length; index += 2) {
    const [, mode = '', , id = ''] = (fields[index] as Buffer).toString('latin1').slice(1).split(' ');
    const name = fields[index + 1] as Buffer;
    const path = name.toString();
    const problem = Buffer.from(path).equals(name) ? pathProblem(path) : 'is not UTF-8';
    if (problem !== undefined) return { kind: 'refused', reason: `the path ${JSON.stringify(path)} ${problem}` };
    if (mode === '000000') changes.set(path, null);
    else if (mode === '100644' || mode === '100755') changes.set(path, await store.read(id, 'blob'));
    else return { kind: 'refused', reason: `${JSON.stringify(path)} would be a link or a submodule (mode ${mode})` };
  }
  return note === undefined ? { kind: 'applied', changes } : { kind: 'applied', changes, note };
}

/** git's words for a patch that must not be applied anywhere, as against one that does not fit. */
const REFUSALS =
  /invalid path|unrecognized input|No valid patches|corrupt|without header|lacks filename|inconsistent|bad git-diff|wrong type|new mode .* does not match|affected file .* is beyond a symbolic link/;

function explain(answer: GitAnswer): AppliedDiff {
  const lines = answer.stderr.split('\n').filter((line) => /^(error|fatal|Applied patch .* with conflicts)/.test(line));
  const reason = (lines.join('; ') || answer.stderr.trim() || `git apply ended with ${answer.exitCode}`).slice(0, 2000);
  if (REFUSALS.test(answer.stderr)) return { kind: 'refused', reason };
  const files = new Set<string>();
  for (const line of lines) {
    const name =
      /^error: patch failed: (.*):\d+$/.exec(line) ??
      /^error: (.*): (?:patch does not apply|does not exist in index|already exists in index)$/.exec(line) ??
      /^Applied patch to '(.*)' with conflicts/.exec(line);
    if (name?.[1] !== undefined) files.add(name[1]);
  }
  return { kind: 'conflict', files: [...files], reason };
}

function endWithNewline(diff: string | Uint8Array): Buffer {
  const bytes = Buffer.from(diff as string);
  return bytes.at(-1) === 10 ? bytes : Buffer.concat([bytes, Buffer.from('\n')]);
}

/** Whether names start with `a/` and `b/`, as git writes them. */
function hasPrefixes(diff: Buffer): boolean {
  const text = diff.toString('latin1');
  if (/^diff --git "?a\//m.test(text)) return true;
  const names = [...text.matchAll(/^--- (.*)\n\+\+\+ (.*)$/gm)].flatMap((match) => [match[1] ?? '', match[2] ?? '']);
  return names.every((name) => /^"?[ab]\//.test(name) || name.startsWith('/dev/null'));
}

function splitAtNul(bytes: Buffer): Buffer[] {
  const parts: Buffer[] = [];
  for (let start = 0; start < bytes.length;) {
    const end = bytes.indexOf(0, start);
    parts.push(bytes.subarray(start, end));
    start = end + 1;
  }
  return parts;
}
