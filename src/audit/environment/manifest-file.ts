import { createHash, randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { open, rename, rm } from 'node:fs/promises';
import { systemErrorCode } from '../../errors.ts';
import type { TreeEntry } from './tree-entry.ts';
import { digestOf, type TreeManifest } from './tree-manifest.ts';

const FORMAT = 1;

interface Head {
  readonly format: typeof FORMAT;
  readonly roots: readonly string[];
  readonly digest: string;
  /** SHA-256 of what follows the first line. */
  readonly body: string;
}

/** What lies at the path of a manifest. `damaged`: not what was written there, or written by another version. */
export type Loaded =
  | { readonly kind: 'missing' }
  | { readonly kind: 'damaged'; readonly detail: string }
  | { readonly kind: 'manifest'; readonly manifest: TreeManifest };

/** Reads a manifest and holds it against its own hashes. */
export function loadManifest(path: string): Loaded {
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (error) {
    if (systemErrorCode(error) === 'ENOENT') return { kind: 'missing' };
    return { kind: 'damaged', detail: `it cannot be read (${systemErrorCode(error) ?? 'unknown error'})` };
  }
  try {
    return parse(text);
  } catch {
    return { kind: 'damaged', detail: 'it is not a whole manifest' };
  }
}

function parse(text: string): Loaded {
  const end = text.indexOf('\n');
  const head = JSON.parse(text.slice(0, end)) as Head;
  const body = text.slice(end + 1);
  if (head.format !== FORMAT) return { kind: 'damaged', detail: 'it is of another version' };
  if (sha256(body) !== head.body) return { kind: 'damaged', detail: 'its hash is not that of its lines' };
  const entries = new Map<string, TreeEntry>();
  for (const line of body.split('\n')) {
    if (line === '') continue;
    const [path, kind, rights, size, content, blocks, state] = JSON.parse(line) as Row;
    entries.set(path, { path, kind, rights, size, content, blocks, state });
  }
  const { roots, digest } = head;
  if (digestOf(entries) !== digest) return { kind: 'damaged', detail: 'its digest is not that of its entries' };
  return { kind: 'manifest', manifest: { roots, entries, digest } };
}

type Row = [string, TreeEntry['kind'], string, number, string, string, string];

/** In one step, and on the disk when it returns. */
export async function saveManifest(path: string, { roots, entries, digest }: TreeManifest): Promise<void> {
  const rows = [...entries.values()].map(({ path: file, kind, rights, size, content, blocks, state }) =>
    JSON.stringify([file, kind, rights, size, content, blocks, state] satisfies Row),
  );
  const body = `${rows.join('\n')}\n`;
  const head: Head = { format: FORMAT, roots, digest, body: sha256(body) };
  const temporary = `${path}.${randomUUID()}`;
  try {
    const file = await open(temporary, 'wx', 0o644);
    try {
      await file.writeFile(`${JSON.stringify(head)}\n${body}`);
      await file.sync();
    } finally {
      await file.close();
    }
    await rename(temporary, path);
  } finally {
    await rm(temporary, { force: true });
  }
}

function sha256(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}
