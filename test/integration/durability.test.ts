import { execFileSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { expect, test } from 'vitest';
import type { EventRecord } from '../../src/store/store.ts';
import { eventsOf, runAssay, startAssay, waitForEvents, workplace } from './assay-process.ts';

const CAMPAIGN = 'starter-default';
const RUN = ['run', 'starter', '--experiments', '4', '--slots', '2', '--search-seed', '1'];

function count(records: readonly EventRecord[], type: EventRecord['event']['type']): number {
  return records.filter(({ event }) => event.type === type).length;
}

/** Nothing doubled, nothing lost: every token once, every trial one final outcome, seqs without a gap. */
function expectWhole(records: readonly EventRecord[]): void {
  records.forEach(({ seq }, index) => expect(seq).toBe(index + 1));
  const tokens = records.flatMap(({ event }) => (event.type === 'trial.submitted' ? [event.token] : []));
  expect(new Set(tokens).size).toBe(tokens.length);
  const finished = records.flatMap(({ event }) =>
    event.type === 'trial.finished' && event.outcome.status === 'succeeded' ? [event.trial] : [],
  );
  expect(new Set(finished).size).toBe(finished.length);
  expect(count(records, 'campaign.finished')).toBe(1);
}

/** Processes that have the folder anywhere in their command line. */
function processesOf(directory: string): number[] {
  return readdirSync('/proc').flatMap((pid) => {
    if (!/^\d+$/.test(pid)) return [];
    try {
      const command = readFileSync(`/proc/${pid}/cmdline`, 'latin1');
      const state = /\) (\S)/.exec(readFileSync(`/proc/${pid}/stat`, 'latin1'))?.[1];
      return command.includes(directory) && state !== 'Z' ? [Number(pid)] : [];
    } catch {
      return [];
    }
  });
}

test('an engine that is killed again and again loses nothing and repeats nothing', { timeout: 180_000 }, async () => {
  using place = workplace();
  const { directory } = place;
  let engine = startAssay(directory, RUN);
  for (const progress of [12, 25, 45, 70]) {
    await waitForEvents(
      directory,
      CAMPAIGN,
      (records) => records.length >= progress || count(records, 'campaign.finished') > 0,
    );
    engine.child.kill('SIGKILL');
    await engine.ended;
    engine = startAssay(directory, ['resume', CAMPAIGN]);
  }
  const ending = await engine.ended;
  expect(ending.stderr).toBe('');
  expect(ending.exitCode).toBe(0);
  expectWhole(await eventsOf(directory, CAMPAIGN));
  await pause(300);
  expect(processesOf(directory)).toEqual([]);
});

test(
  "a trial and a judge that are killed from outside are run again, and the campaign's numbers stay whole",
  { timeout: 120_000 },
  async () => {
    using place = workplace();
    const { directory } = place;
    const engine = startAssay(directory, ['run', path.resolve('bench/tasks/one-second'), '--experiments', '1']);
    const campaign = 'one-second-default';
    await waitForEvents(directory, campaign, (records) => count(records, 'trial.submitted') >= 2);
    await pause(400);
    // The sandboxed shells of this campaign, found by their parents: the supervisors of its attempts.
    const killed = killSleepers(directory);
    expect(killed).toBeGreaterThan(0);
    const ending = await engine.ended;
    expect(ending.exitCode, ending.stderr).toBe(0);
    const records = await eventsOf(directory, campaign);
    const lost = records.filter(({ event }) => event.type === 'trial.finished' && event.outcome.status === 'failed');
    expect(lost.length).toBe(killed);
    for (const { event } of lost) {
      expect(event).toMatchObject({ outcome: { failure: 'lost' } });
    }
    expectWhole(records);
  },
);

/** Kills every `sleep` below a supervisor that works in the folder. */
function killSleepers(directory: string): number {
  const parents = new Map<number, number>();
  const names = new Map<number, string>();
  for (const line of execFileSync('ps', ['-eo', 'pid=,ppid=,comm='], { encoding: 'utf8' }).trim().split('\n')) {
    const [pid = '', parent = '', name = ''] = line.trim().split(/\s+/);
    parents.set(Number(pid), Number(parent));
    names.set(Number(pid), name);
  }
  const attempts = path.join(directory, '.assay');
  let killed = 0;
  for (const [pid, name] of names) {
    if (name !== 'sleep') continue;
    for (let at: number | undefined = pid; at !== undefined && at > 1; at = parents.get(at)) {
      if (!isSupervisorOf(at, attempts)) continue;
      process.kill(parents.get(pid) ?? pid, 'SIGKILL');
      killed += 1;
      break;
    }
  }
  return killed;
}

/** A supervisor has its attempt's record folder: `supervisor.json` there names its pid. */
function isSupervisorOf(pid: number, attempts: string): boolean {
  for (const campaign of readdirSync(attempts)) {
    const root = path.join(attempts, campaign, 'attempts');
    for (const token of readdirSync(root)) {
      try {
        const record = JSON.parse(readFileSync(path.join(root, token, 'supervisor.json'), 'utf8')) as { pid: number };
        if (record.pid === pid) return true;
      } catch {
        // Not started, or cleaned.
      }
    }
  }
  return false;
}

test(
  'a second engine on the same campaign is refused with words and code 5, and changes nothing',
  { timeout: 120_000 },
  async () => {
    using place = workplace();
    const { directory } = place;
    const engine = startAssay(directory, RUN);
    await waitForEvents(directory, CAMPAIGN, (records) => count(records, 'engine.started') > 0);
    const second = await runAssay(directory, ['resume', CAMPAIGN]);
    expect(second.exitCode).toBe(5);
    expect(second.stderr).toMatch(/is being run by process \d+/);
    expect(second.stderr).toMatch(/hint: .*assay status/);
    const ending = await engine.ended;
    expect(ending.exitCode, ending.stderr).toBe(0);
    expectWhole(await eventsOf(directory, CAMPAIGN));
  },
);

test(
  'stop lets running trials end; the exit code says interrupted; resume finishes',
  { timeout: 120_000 },
  async () => {
    using place = workplace();
    const { directory } = place;
    const engine = startAssay(directory, RUN);
    await waitForEvents(directory, CAMPAIGN, (records) => count(records, 'trial.submitted') >= 3);
    const stop = await runAssay(directory, ['stop']);
    expect(stop.exitCode, stop.stderr).toBe(0);
    const ending = await engine.ended;
    expect(ending.exitCode).toBe(130);
    const records = await eventsOf(directory, CAMPAIGN);
    expect(records.at(-1)?.event).toMatchObject({ type: 'engine.stopped', reason: 'asked' });
    expect(count(records, 'trial.submitted')).toBe(count(records, 'trial.finished'));
    const resumed = await runAssay(directory, ['resume']);
    expect(resumed.exitCode, resumed.stderr).toBe(0);
    expectWhole(await eventsOf(directory, CAMPAIGN));
  },
);
