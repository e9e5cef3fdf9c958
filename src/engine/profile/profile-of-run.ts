import { readFile } from 'node:fs/promises';
import path from 'node:path';
import type { AttemptEnd } from '../../executor/executor.ts';
import { lastLines } from '../../judge/plain-text.ts';
import { readProfile, type ReadProfile } from './read-profile.ts';

const FILE = 'profile.json';

/** What a run of the stage 'profile' left, or in words why that is nothing. */
export async function profileOfRun(directory: string, end: AttemptEnd): Promise<ReadProfile> {
  const found = await readProfile(path.join(directory, 'output', FILE));
  if (found.kind === 'read') return found;
  const said = await errorsOf(directory, end);
  return { kind: 'unread', reason: `${endWords(end) ?? found.reason}${said}` };
}

/** How it ended, if not well. */
function endWords(end: AttemptEnd): string | undefined {
  if (end.kind === 'lost') return `the run was lost: ${end.detail}`;
  const last = end.phases.at(-1);
  if (!last || (last.reason === 'exited' && last.exitCode === 0)) return undefined;
  return `phase '${last.name}' ended with ${last.reason}${last.exitCode === undefined ? '' : ` ${last.exitCode}`}`;
}

async function errorsOf(directory: string, end: AttemptEnd): Promise<string> {
  const phase = end.kind === 'lost' ? undefined : end.phases.at(-1)?.name;
  if (phase === undefined) return '';
  const text = await readFile(path.join(directory, `${phase}.err`), 'utf8').catch(() => '');
  const said = lastLines(text, 3);
  return said === '' ? '' : `; it said: ${said}`;
}
