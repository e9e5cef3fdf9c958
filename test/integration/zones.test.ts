/**
 * Who may read and write what (docs/architecture/zones.md), tried from inside: by the candidate in its own phase and by the candidate's
 * program beside the judge, both with the knowledge of where everything lies. Every attempt is a row that must be denied; controls prove
 * that the same attempt works where the right exists.
 */
import { mkdirSync, readdirSync, readFileSync, statSync } from 'node:fs';
import path from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { BASELINE_EXPERIMENT, trialId } from '../../src/domain/ids.ts';
import type { TrialOutcome } from '../../src/domain/trial.ts';
import { readSecret } from '../../src/engine/campaign-folder.ts';
import { trialSeed } from '../../src/engine/seeds.ts';
import { openTrialParts, type TrialParts } from '../../src/engine/trial-parts.ts';
import { attemptOf, pythonPhase } from '../../src/executor/executor-fixtures.ts';
import type { AttemptEnd, AttemptHandle } from '../../src/executor/executor.ts';
import { createLocalExecutor } from '../../src/executor/local/create-local-executor.ts';
import type { LocalExecutor } from '../../src/executor/local/local-executor.ts';
import { prepareData } from '../../src/task/environment/prepare-data.ts';
import { resolveEnvironment } from '../../src/task/environment/resolve-environment.ts';
import { loadTask } from '../../src/task/load-task.ts';
import { runAssay } from './assay-process.ts';
import { SHARED_KEY, stageCampaign, type Stage } from './zones/campaign-with-secrets.ts';

interface Row {
  readonly name: string;
  readonly outcome: 'done' | 'denied';
  readonly detail: string;
}

interface Run {
  readonly end: AttemptEnd;
  readonly outcome: TrialOutcome;
  /** Users on the host: owner of what the candidate wrote, and of what the judge wrote. */
  readonly owners: { readonly candidate: number; readonly judge: number };
  /** Names in the folder of results. */
  readonly results: readonly string[];
  readonly rows: Readonly<Record<'candidate' | 'host' | 'judge', readonly Row[]>>;
}

/** Known, and said in docs/architecture/zones.md under "Not sealed". */
const OPEN = [
  "learn the campaign's folder and the trial's token",
  "write the memory of its sandbox's first process",
] as const;

/** What it may do: leave something behind in places of its own. */
const TRACES = /^(leave a file|listen on|make (shared|a message))/;

const PYTHON = '/usr/bin/python3';
const isRoot = process.getuid?.() === 0;
const slots = [
  { index: 0, cores: [0], gpus: [] },
  { index: 1, cores: [0], gpus: [] },
];

let stage: Stage;
let before: NodeJS.ProcessEnv;
let others: LocalExecutor;
let neighbour: AttemptHandle;

beforeAll(async () => {
  stage = await stageCampaign();
  before = { ...process.env };
  Object.assign(process.env, stage.variables);
  others = await createLocalExecutor({ root: path.join(stage.root, 'others'), slots, python: PYTHON });
  neighbour = await startNeighbour();
  const task = await loadTask(stage.task);
  const data = await prepareData(task, await resolveEnvironment(task));
  if (data === undefined) throw new Error('the task has data');
  const supervisor = JSON.parse(readFileSync(path.join(neighbour.directory, 'supervisor.json'), 'utf8')) as {
    pid: number;
  };
  stage.tell({
    others: { launcher: others.launcherPid ?? 0, 'supervisor of another': supervisor.pid },
    dataDirectory: data.directory,
  });
});
afterAll(async () => {
  await others.cancel(neighbour);
  await others[Symbol.asyncDispose]();
  process.env = before;
  await stage[Symbol.asyncDispose]();
});

/** Another trial that runs all the while and has left something in every place that could be shared. */
async function startNeighbour(): Promise<AttemptHandle> {
  const source = `
import ctypes, socket, time
libc = ctypes.CDLL(None)
for folder in ("/dev/shm", "/tmp"):
    open(folder + "/left", "w").write("left")
server = socket.socket(socket.AF_UNIX); server.bind("\\0assay-zones"); server.listen()
assert libc.shmget(${SHARED_KEY}, 4096, 0o1666) >= 0 and libc.msgget(${SHARED_KEY}, 0o1666) >= 0
print("ready", flush=True)
time.sleep(100)`;
  const handle = await others.submit({
    ...attemptOf([
      pythonPhase(source, { environment: { NOTE: stage.marks['another attempt'] ?? '' }, timeoutSeconds: 120 }),
    ]),
    slot: 1,
  });
  for (let turn = 0; turn < 500; turn += 1) {
    if (readFileSync(path.join(handle.directory, 'main.out'), { encoding: 'utf8', flag: 'a+' }) !== '') return handle;
    await pause(10);
  }
  throw new Error('the other trial did not start');
}

function rowsOf(file: string): Row[] {
  const lines = readFileSync(file, 'utf8').split('\n');
  return lines.flatMap((line) => (line.startsWith('{"name"') ? [JSON.parse(line) as Row] : []));
}

/** One trial of the task that tries everything, as an engine runs it. */
async function runTrial(parts: TrialParts, number: number): Promise<Run> {
  const token = `t${number}-1`;
  const directory = path.join(stage.folder.attempts, token);
  const task = await loadTask(stage.task);
  const candidate = await parts.repository.commit({ files: task.filesFor('default'), message: 'zones', at: 0 });
  const seed = trialSeed(await readSecret(stage.folder), 'screen', number);
  const plan = {
    trial: trialId(number),
    experiment: BASELINE_EXPERIMENT,
    candidate,
    stage: 'screen',
    arm: 'candidate',
    pair: number,
    seed,
  } as const;
  const context = { plan, token, slot: 0, directory };
  mkdirSync(directory, { recursive: true });
  const handle = await parts.executor.submit(await parts.judge.prepare(context));
  const end = await parts.executor.ended(handle);
  const outcome = await parts.judge.conclude(context, end);
  const ownerOf = (file: string): number => statSync(path.join(directory, file), { throwIfNoEntry: false })?.uid ?? -1;
  const owners = { candidate: ownerOf('output/private'), judge: ownerOf('result/result.json') };
  const rows = {
    candidate: rowsOf(path.join(directory, 'attack.out')),
    host: rowsOf(path.join(directory, 'judge.peer.err')),
    judge: rowsOf(path.join(directory, 'judge.out')),
  };
  const results = readdirSync(path.join(directory, 'result')).toSorted();
  await parts.executor.clean(handle);
  return { end, outcome, owners, results, rows };
}

async function withParts<Result>(use: (parts: TrialParts) => Promise<Result>): Promise<Result> {
  const task = await loadTask(stage.task);
  await using parts = await openTrialParts({
    task,
    start: 'default',
    candidates: stage.folder.candidates,
    attempts: stage.folder.attempts,
    secret: await readSecret(stage.folder),
    slotList: slots.slice(0, 1),
    sandbox: 'bubblewrap',
  });
  return use(parts);
}

function done(rows: readonly Row[]): string[] {
  return rows.filter(({ outcome }) => outcome === 'done').map(({ name, detail }) => `${name}: ${detail}`);
}

function named(rows: readonly Row[], name: string): Row | undefined {
  return rows.find((row) => row.name === name);
}

describe('the zones of a trial, sealed by bubblewrap', () => {
  let runs: readonly [Run, Run];
  let refusal: string | undefined;

  beforeAll(async () => {
    refusal = others.sandbox === 'bubblewrap' ? undefined : `no bubblewrap here: ${others.sandboxReason ?? ''}`;
    if (refusal !== undefined) return;
    // Twice in the same slot: what the first one leaves everywhere is looked for by the second.
    runs = await withParts(async (parts) => [await runTrial(parts, 1), await runTrial(parts, 2)]);
  }, 60_000);

  test('both trials ran to their end, and every attempt was made in each of them', ({ skip }) => {
    skip(refusal !== undefined, refusal);
    for (const { end, outcome, rows } of runs) {
      expect(end).toMatchObject({ kind: 'finished', phases: [{ exitCode: 0 }, { exitCode: 0 }] });
      expect(outcome.status).toBe('succeeded');
      expect(rows.candidate.length).toBeGreaterThan(90);
      expect(rows.host.length).toBeGreaterThan(90);
    }
  });

  test.for([
    ['the candidate', 'candidate', 0],
    ["the candidate's program beside the judge", 'host', 0],
    ['the candidate of the next trial', 'candidate', 1],
    ["the program of the next trial's candidate", 'host', 1],
  ] as const)('all that it may not do is denied to %s', ([, role, index], { skip }) => {
    skip(refusal !== undefined, refusal);
    const rows = runs[index].rows[role].filter(({ name }) => !TRACES.test(name));
    const expected: readonly string[] = OPEN;
    expect(done(rows.filter(({ name }) => !expected.includes(name)))).toEqual([]);
    // What the documentation calls open is open: once it is closed, the documentation has to say so.
    expect(rows.filter(({ name, outcome }) => expected.includes(name) && outcome === 'done').length).toBe(OPEN.length);
  });

  test('the same attempts work where the right exists', ({ skip }) => {
    skip(refusal !== undefined, refusal);
    for (const { rows } of runs) {
      const traces = rows.candidate.filter(({ name }) => TRACES.test(name));
      expect(traces.map(({ outcome }) => outcome)).toEqual(['done', 'done', 'done', 'done', 'done']);
      for (const name of [
        'read held-out data',
        'read its own seed',
        'find a module of the judge or a planted name',
        'find shared memory',
        'find a message queue',
        'find a file in /dev/shm',
        "write the result's folder",
        'read a file that the candidate closed to others',
        "hear the host's claim",
      ])
        expect(named(rows.judge, name), name).toMatchObject({ outcome: 'done' });
    }
    // And from where we are, all that was denied by name is there to be read.
    for (const file of Object.values(stage.files)) expect(readFileSync(file).length).toBeGreaterThan(0);
  });

  test("the judge cannot be led out of its zone by the candidate's links, nor write where the candidate reads", ({
    skip,
  }) => {
    skip(refusal !== undefined, refusal);
    for (const { rows } of runs) {
      const links = rows.judge.filter(({ name }) => name.startsWith('follow'));
      expect(links.length).toBeGreaterThan(8);
      expect(done(links)).toEqual([]);
      expect(named(rows.judge, "write to the candidate's output")).toMatchObject({ outcome: 'denied' });
      expect(named(rows.judge, "read another process's environ")).toMatchObject({ outcome: 'denied' });
    }
  });

  test('only what the judge wrote counts, whatever the candidate left, printed or told', ({ skip }) => {
    skip(refusal !== undefined, refusal);
    for (const { outcome, rows } of runs) {
      expect(named(rows.judge, "hear the host's claim")?.detail).toContain('1000000000');
      expect(outcome).toMatchObject({ status: 'succeeded', result: { value: 0.25 } });
    }
  });

  test('nothing that was written where it may not be has reached a folder of the host', ({ skip }) => {
    skip(refusal !== undefined, refusal);
    const files = readdirSync(stage.root, { recursive: true, encoding: 'utf8' });
    expect(files.length).toBeGreaterThan(50);
    expect(files.filter((file) => /(^|\/)(planted|left|hard-\d)$/.test(file))).toEqual([]);
    for (const { results } of runs) expect(results).toEqual(['notes.txt', 'result.json']);
  });

  test.runIf(isRoot)('the judge is another user than the candidate', ({ skip }) => {
    skip(refusal !== undefined, refusal);
    for (const { owners } of runs) {
      expect(owners.candidate).toBeGreaterThan(0);
      expect(owners.judge).toBeGreaterThan(0);
      expect(new Set([owners.candidate, owners.judge, process.getuid?.()]).size).toBe(3);
    }
  });
});

describe.runIf(isRoot)('the weak sandbox, as root', () => {
  test("keeps the judge's process from the candidate's program beside it: they are two users", async () => {
    const root = path.join(stage.root, 'weak');
    await using executor = await createLocalExecutor({ root, slots, python: PYTHON, sandbox: 'process' });
    const look = `
import json, os, time
found = {}
# The judge may start later.
until = time.monotonic() + 10
while "the judge's" not in found and time.monotonic() < until:
    time.sleep(0.02)
    for pid in filter(str.isdigit, os.listdir("/proc")):
        try:
            words = open(f"/proc/{pid}/cmdline", "rb").read()
        except OSError:
            continue
        if b"the judge of zones" not in words:
            continue
        whose = "its own" if int(pid) == os.getpid() else "the judge's"
        found[whose] = []
        for name, look in {
            "environ": lambda: open(f"/proc/{pid}/environ", "rb").read(),
            "mem": lambda: open(f"/proc/{pid}/mem", "r+b"),
            "fd": lambda: os.listdir(f"/proc/{pid}/fd"),
            "cwd": lambda: os.listdir(f"/proc/{pid}/cwd"),
            "signal": lambda: os.kill(int(pid), 0),
            "result": lambda: open(bytes.fromhex("RESULT") + b"/y", "w"),
        }.items():
            try:
                look()
                found[whose].append(name)
            except OSError:
                pass
print(json.dumps(found), flush=True)`;
    const wait = `
import os
"the judge of zones"
print(open(int(os.environ["ASSAY_PEER_IN_FD"])).readline())
open("/result/x", "w").write("x")`;
    const result = path.join(root, 'result');
    mkdirSync(result, { mode: 0o700 });
    const mounts = [{ source: result, target: '/result', writable: true }];
    // Paths in a program are replaced where they are mounted: the digits are not.
    const peer = pythonPhase(look.replace('RESULT', Buffer.from(result).toString('hex')));
    const judging = pythonPhase(wait, { trusted: true, mounts, peer });
    const handle = await executor.submit(attemptOf([judging]));
    expect(await executor.ended(handle)).toMatchObject({ phases: [{ exitCode: 0 }] });
    const found = JSON.parse(readFileSync(path.join(handle.directory, 'main.out'), 'utf8')) as unknown;
    expect(found).toEqual({ "the judge's": [], 'its own': ['environ', 'mem', 'fd', 'cwd', 'signal'] });
    const source = JSON.parse(readFileSync(path.join(handle.directory, 'attempt.json'), 'utf8')) as {
      uid: number;
      trustedUid: number;
    };
    expect(statSync(path.join(result, 'x')).uid).toBe(source.trustedUid);
    expect(source.trustedUid).not.toBe(source.uid);
  });
});

describe('a campaign', () => {
  test('leaves no secret and no key in its logs, events, candidates and records', { timeout: 60_000 }, async () => {
    const directory = path.join(stage.root, 'project');
    mkdirSync(directory);
    const ending = await runAssay(directory, ['run', 'starter', '--experiments', '1', '--slots', '1']);
    expect(ending.exitCode, ending.stderr).toBe(0);
    const campaign = path.join(directory, '.assay', 'starter-default');
    const secret = readFileSync(path.join(campaign, 'secret'), 'utf8').trim();
    const searched = [secret, Buffer.from(secret, 'hex'), stage.marks['a key'] ?? '', stage.marks['a key file'] ?? ''];
    const files = readdirSync(directory, { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map((entry) => path.join(entry.parentPath, entry.name));
    expect(files.length).toBeGreaterThan(20);
    const found = files.filter((file) => {
      const content = readFileSync(file);
      return searched.some((each) => content.includes(each));
    });
    expect(found).toEqual([path.join(campaign, 'secret')]);
    expect(statSync(path.join(campaign, 'secret')).mode & 0o777).toBe(0o600);
    for (const each of searched) expect(ending.stdout + ending.stderr).not.toContain(each.toString());
  });
});
