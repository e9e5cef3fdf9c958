import { readdir, stat } from 'node:fs/promises';
import path from 'node:path';
import type { SandboxKind } from '../domain/trial.ts';
import { UserError } from '../errors.ts';
import type { CampaignFolder } from '../engine/campaign-folder.ts';
import { ENGINE_LEASE, isOwnerAlive } from '../engine/engine-lease.ts';
import type { Imported } from '../engine/imported.ts';
import { readImported } from '../engine/imported.ts';
import type { Store } from '../store/store.ts';
import { openSqliteStore } from '../store/sqlite/open-sqlite-store.ts';
import { type ArchiveEntry, filesBelow } from './archive.ts';

/** Parts of the repository that hold candidates; its settings and hooks are made anew wherever it goes. */
export const REPOSITORY_PARTS: readonly string[] = ['HEAD', 'packed-refs', 'objects', 'refs'];

/**
 * The files of a campaign that another place needs, below `to`. The log is brought into one file first.
 *
 * @param options.record with what attempts left beside the log: plans, ends and output.
 * @throws UserError `campaign-busy` while an engine works on it.
 */
export async function campaignEntries(
  folder: CampaignFolder,
  to: string,
  options: { readonly record: boolean },
): Promise<ArchiveEntry[]> {
  // Its last connection leaves one whole file when it closes.
  {
    await using store = await openSqliteStore(folder.log);
    await refuseBusy(store, folder.name);
  }
  const entries: ArchiveEntry[] = [];
  const parts = [
    'log.db',
    'secret',
    'integrity.json',
    'imported.json',
    'task',
    ...(options.record ? ['attempts', 'report'] : []),
  ];
  for (const part of parts) entries.push(...(await entriesOf(folder.root, part, to)));
  for (const part of REPOSITORY_PARTS)
    entries.push(...(await entriesOf(folder.candidates, part, `${to}/candidates.git`)));
  return entries.filter((entry) => !isWorkspace(path.posix.relative(to, entry.to)));
}

/** Below `attempts/<token>/` plain files are the record; folders are workspaces of candidates. */
function isWorkspace(relative: string): boolean {
  const words = relative.split('/');
  return words[0] === 'attempts' && words.length > 3;
}

async function entriesOf(root: string, part: string, to: string): Promise<ArchiveEntry[]> {
  const source = path.join(root, part);
  const facts = await stat(source).catch(() => undefined);
  if (facts === undefined) return [];
  if (facts.isDirectory()) return filesBelow(source, `${to}/${part}`);
  const mode = (facts.mode & 0o077) === 0 ? 0o600 : 0o644;
  return [{ from: source, to: `${to}/${part}`, mode }];
}

async function refuseBusy(store: Store, name: string): Promise<void> {
  const owner = await store.leaseHolder(ENGINE_LEASE);
  if (owner === undefined || !isOwnerAlive(owner)) return;
  throw new UserError('campaign-busy', `an engine works on campaign ${name}`, `stop it first: assay stop ${name}`);
}

/** Where a campaign was measured: by the engines that ran trials, not by those that only looked at it. */
export async function measuredWith(
  store: Store,
  earlier: Imported | undefined,
): Promise<Pick<Imported, 'devices' | 'sandboxes' | 'assayVersion'>> {
  const devices = new Set<string>();
  const sandboxes = new Set<SandboxKind>();
  let [device, sandbox, version] = ['', 'process' as SandboxKind, earlier?.assayVersion ?? 'unknown'];
  for await (const { event } of store.read({ types: ['engine.started', 'trial.submitted'] })) {
    if (event.type === 'engine.started') {
      ({ device, sandbox } = event);
      version = event.assayVersion;
    } else if (device !== '') {
      // Again at the end: the last one is what a later engine is held to.
      devices.delete(device);
      devices.add(device);
      sandboxes.add(sandbox);
    }
  }
  if (devices.size === 0 && device !== '') devices.add(device);
  if (sandboxes.size === 0 && device !== '') sandboxes.add(sandbox);
  return { devices: [...devices], sandboxes: [...sandboxes], assayVersion: version };
}

/** What a campaign that leaves this place says of where it was measured. */
export async function leavingMark(folder: CampaignFolder): Promise<Imported> {
  await using store = await openSqliteStore(folder.log);
  return { schema: 'assay.imported.v1', ...(await measuredWith(store, await readImported(folder))) };
}

/** Names of the files below a folder; links and special files are refused. */
export async function plainFilesBelow(root: string): Promise<string[]> {
  const names: string[] = [];
  const visit = async (relative: string): Promise<void> => {
    for (const entry of await readdir(path.join(root, relative), { withFileTypes: true })) {
      const inner = relative === '' ? entry.name : `${relative}/${entry.name}`;
      if (entry.isDirectory()) await visit(inner);
      else if (entry.isFile()) names.push(inner);
      else {
        throw new UserError(
          'import-unsafe',
          `${path.join(root, inner)} is neither a file nor a folder`,
          'a campaign holds no links: take the folder as `assay export --whole` made it',
        );
      }
    }
  };
  await visit('');
  return names.sort();
}
