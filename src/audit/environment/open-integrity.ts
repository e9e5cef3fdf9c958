import { createHash } from 'node:crypto';
import path from 'node:path';
import type { AuditReport } from '../../domain/audit.ts';
import { describeError } from '../../errors.ts';
import type { Environment } from '../../task/environment/environment.ts';
import { ENVIRONMENT_AUDITS } from '../catalogue/environment-audits.ts';
import { readRecord, writeRecord, type RecordPlace, type Recorded } from './campaign-record.ts';
import { environmentRoots } from './environment-roots.ts';
import { checkKept, keptManifest, retakeManifest, type Kept, type TreePlace } from './kept-manifest.ts';
import type { CheckOptions, TreeCheck } from './check-tree.ts';
import type { TreeManifest } from './tree-manifest.ts';

/** What trials rely on. */
export interface IntegrityParts {
  readonly environment: Pick<Environment, 'python' | 'mounts'>;
  /** Folder that holds `assay_judge`. */
  readonly judgePackage: string;
  /** The folder that the judge's processes see as /task. */
  readonly taskFolder: string;
  /** Undefined: the task has no prepared data. */
  readonly dataDirectory?: string;
  /** Manifests of large trees are kept here, beside the stamps of environments. */
  readonly cacheRoot: string;
  /** Of a campaign: what it began with is written there once, and every later engine is held to it. */
  readonly record?: RecordPlace;
  /** How many files are read again although nothing says that they changed. Default 20. */
  readonly sampled?: number;
  readonly signal?: AbortSignal;
}

export interface Integrity {
  /** One report for each audit of ENVIRONMENT_AUDITS, always: what could not be looked at has fired. */
  check(): Promise<readonly AuditReport[]>;
}

interface Watched {
  readonly audit: string;
  readonly place: TreePlace;
  kept: Kept;
  /** Said once, by the first check. */
  note?: string;
}

const SAMPLED = 20;
const SHOWN_CHANGES = 5;
const DIGEST_DIGITS = 12;
/** In place of the digest of what a task does not have. */
const NOTHING = 'none';

/**
 * Takes or loads the manifests of all that trials rely on.
 *
 * A campaign's first engine begins with what is there: an environment that was changed since its manifest was taken gets a new one, and
 * the first report says so. Every later engine is held to what the first one found.
 *
 * @throws UserError if the cache cannot be written, and what reading the trees throws.
 */
export async function openIntegrity(parts: IntegrityParts): Promise<Integrity> {
  const options = { python: parts.environment.python, sampled: parts.sampled ?? SAMPLED };
  const recorded: Recorded = parts.record === undefined ? { kind: 'missing' } : readRecord(parts.record);
  const isFirst = parts.record !== undefined && recorded.kind === 'missing';
  const watched: Watched[] = [];
  for (const [audit, place] of Object.entries(await placesOf(parts))) {
    const kept = await keptManifest(place, parts.signal);
    watched.push({ audit, place, ...(isFirst ? await renewed(kept, place, options, parts.signal) : { kept }) });
  }
  const begun = parts.record !== undefined && isFirst ? await begin(parts.record, watched) : recorded;
  let last: Promise<unknown> = Promise.resolve();
  return {
    check() {
      const reports = last.then(() => checkAll(watched, begun, options));
      last = reports.catch(() => undefined);
      return reports;
    },
  };
}

async function placesOf(parts: IntegrityParts): Promise<Readonly<Record<string, TreePlace>>> {
  const { roots, except } = await environmentRoots(parts.environment);
  const key = createHash('sha256')
    .update(JSON.stringify([parts.environment.python, roots]))
    .digest('hex')
    .slice(0, 20);
  const data = parts.dataDirectory;
  return {
    environment: { roots, except, file: path.join(parts.cacheRoot, 'environments', `${key}.manifest`) },
    'judge-files': { roots: [path.resolve(parts.judgePackage, 'assay_judge')], except: [] },
    'task-files': { roots: [path.resolve(parts.taskFolder)], except: [] },
    'data-files':
      data === undefined ? { roots: [], except: [] } : { roots: [data], except: [], file: `${data}.manifest` },
  };
}

type Options = Omit<CheckOptions, 'except'>;

/** For a campaign that has measured nothing yet: what is there now is what it begins with. */
async function renewed(
  kept: Kept,
  place: TreePlace,
  options: Options,
  signal: AbortSignal | undefined,
): Promise<Pick<Watched, 'kept' | 'note'>> {
  if (kept.kind === 'damaged' || kept.isNew) return { kept };
  const { changes } = await checkKept(kept.manifest, place, withExcept(options, place));
  if (changes.length === 0) return { kept };
  const note = `taken anew for this campaign; since it was last looked at: ${shown(changes)}`;
  return { kept: await retakeManifest(place, signal), note };
}

async function begin(record: RecordPlace, watched: readonly Watched[]): Promise<Recorded> {
  const damaged = watched.find(({ kept }) => kept.kind === 'damaged');
  if (damaged !== undefined) return { kind: 'missing' };
  await writeRecord(record, Object.fromEntries(watched.map(({ audit, kept }) => [audit, digestOf(kept)])));
  return readRecord(record);
}

function digestOf(kept: Kept): string {
  return kept.kind === 'manifest' && kept.manifest.roots.length > 0 ? kept.manifest.digest : NOTHING;
}

async function checkAll(watched: readonly Watched[], begun: Recorded, options: Options): Promise<AuditReport[]> {
  const reports: AuditReport[] = [];
  for (const each of watched) {
    const { finding, detail } = await check(each, begun, options).catch((error: unknown) => ({
      finding: 'fired' as const,
      detail: `could not be looked at: ${describeError(error)}`,
    }));
    const version = ENVIRONMENT_AUDITS.find(({ id }) => id === each.audit)?.version ?? 0;
    reports.push({ audit: each.audit, version, finding, detail });
  }
  return reports;
}

type Finding = Pick<AuditReport, 'finding' | 'detail'>;

async function check(watched: Watched, begun: Recorded, options: Options): Promise<Finding> {
  const { audit, place, kept, note } = watched;
  if (begun.kind === 'damaged') return { finding: 'fired', detail: begun.detail };
  if (kept.kind === 'damaged') return { finding: 'fired', detail: kept.detail };
  if (begun.kind === 'digests' && begun.digests[audit] !== digestOf(kept)) {
    const detail = `not what the campaign began with: sha256 ${short(digestOf(kept))} instead of ${short(begun.digests[audit] ?? NOTHING)}`;
    return { finding: 'fired', detail };
  }
  if (place.roots.length === 0) return { finding: 'passed', detail: 'the task has none: 0 files' };
  const result = await checkKept(kept.manifest, place, withExcept(options, place));
  if (result.changes.length > 0) return { finding: 'fired', detail: shown(result.changes) };
  const detail = counts(kept.manifest, result);
  if (note === undefined) return { finding: 'passed', detail };
  delete watched.note;
  return { finding: 'noted', detail: `${note}. ${detail}` };
}

function withExcept(options: Options, place: TreePlace): CheckOptions {
  return { ...options, except: new Set(place.except) };
}

function counts({ entries, digest, roots }: TreeManifest, { readAgain, sampled, compiled }: TreeCheck): string {
  const files = [...entries.values()].filter(({ kind }) => kind === 'file');
  const unread = files.filter(({ content }) => content === 'unreadable').length;
  return [
    `${files.length} files, ${entries.size - files.length} folders and links below ${roots.length} places`,
    `${readAgain} read again`,
    `${sampled} sampled`,
    ...(compiled > 0 ? [`${compiled} compiled files came or went`] : []),
    ...(unread > 0 ? [`${unread} that may not be read, by their state alone`] : []),
    `sha256 ${short(digest)}`,
  ].join(', ');
}

function short(digest: string): string {
  return digest.slice(0, DIGEST_DIGITS);
}

function shown(changes: readonly string[]): string {
  const more = changes.length > SHOWN_CHANGES ? `; and ${changes.length - SHOWN_CHANGES} more` : '';
  return `${changes.length} ${changes.length === 1 ? 'change' : 'changes'}: ${changes.slice(0, SHOWN_CHANGES).join('; ')}${more}`;
}
