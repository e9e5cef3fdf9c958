import { createHash } from 'node:crypto';
import { IDENTITY } from './git-command.ts';

/** Git's object format for SHA-1 repositories: https://git-scm.com/docs/gitformat-pack and "Git Internals - Git Objects". */

export type ObjectType = 'blob' | 'tree' | 'commit';

export interface GitObject {
  readonly id: string;
  readonly type: ObjectType;
  readonly body: Buffer;
}

export type FileMode = '100644' | '100755';

export interface TreeEntry {
  readonly name: string;
  /** '40000' for a folder. */
  readonly mode: FileMode | '40000';
  readonly id: string;
}

export interface CommitFacts {
  readonly tree: string;
  readonly parents: readonly string[];
  readonly message: string;
  /** Milliseconds since 1970; git keeps whole seconds. */
  readonly at: number;
}

export function makeObject(type: ObjectType, body: Buffer): GitObject {
  return { id: createHash('sha1').update(objectHeader(type, body)).update(body).digest('hex'), type, body };
}

export function objectHeader(type: ObjectType, body: Buffer): string {
  return `${type} ${body.length}\0`;
}

export function encodeTree(entries: readonly TreeEntry[]): Buffer {
  const parts = entries.map((entry) => ({
    sortKey: Buffer.from(entry.mode === '40000' ? `${entry.name}/` : entry.name),
    entry,
  }));
  parts.sort((left, right) => Buffer.compare(left.sortKey, right.sortKey));
  return Buffer.concat(
    parts.flatMap(({ entry }) => [Buffer.from(`${entry.mode} ${entry.name}\0`), Buffer.from(entry.id, 'hex')]),
  );
}

/** @throws Error for what a candidate never holds: symbolic links, submodules, names that are not UTF-8. */
export function decodeTree(body: Buffer): TreeEntry[] {
  const entries: TreeEntry[] = [];
  const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });
  for (let position = 0; position < body.length;) {
    const space = body.indexOf(0x20, position);
    const end = body.indexOf(0, space);
    const mode = body.toString('latin1', position, space);
    const name = decoder.decode(body.subarray(space + 1, end));
    if (mode !== '100644' && mode !== '100755' && mode !== '40000')
      throw new Error(`'${name}' has mode ${mode}: not a plain file`);
    entries.push({ name, mode, id: body.toString('hex', end + 1, end + 21) });
    position = end + 21;
  }
  return entries;
}

export function encodeCommit(facts: CommitFacts): Buffer {
  const stamp = `${IDENTITY} ${Math.floor(facts.at / 1000)} +0000`;
  const message = facts.message.replaceAll('\0', '').replace(/\n*$/, '\n');
  const parents = facts.parents.map((parent) => `parent ${parent}\n`).join('');
  return Buffer.from(`tree ${facts.tree}\n${parents}author ${stamp}\ncommitter ${stamp}\n\n${message}`);
}

export function decodeCommit(body: Buffer): CommitFacts {
  const text = body.toString();
  const end = text.indexOf('\n\n');
  const header = text.slice(0, end).split('\n');
  const values = (key: string) =>
    header.filter((line) => line.startsWith(`${key} `)).map((line) => line.slice(key.length + 1));
  return {
    tree: values('tree')[0] ?? '',
    parents: values('parent'),
    message: text.slice(end + 2).replace(/\n$/, ''),
    at: Number(/ (\d+) [-+]\d{4}$/.exec(values('committer')[0] ?? '')?.[1]) * 1000,
  };
}
