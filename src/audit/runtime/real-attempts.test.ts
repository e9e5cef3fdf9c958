import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { AuditReport } from '../../domain/audit.ts';
import type { SandboxKind } from '../../domain/trial.ts';
import { attemptOf, newToken, pythonPhase } from '../../executor/executor-fixtures.ts';
import { createLocalExecutor } from '../../executor/local/create-local-executor.ts';
import type { LocalExecutor } from '../../executor/local/local-executor.ts';
import { planTripwires } from '../../judge/plan-tripwires.ts';
import { auditTrial, expectedRuntimeAudits } from './audit-trial.ts';
import type { AuditedPhase, AuditedResources } from './audited-trial.ts';
import { SUCCEEDED } from './observed.fixture.ts';

const uidBase = 50_000 + (process.pid % 10_000);
const budget = { limitSeconds: 0.5, graceSeconds: 25, startUpSeconds: 0.3 };
const PHASES: readonly AuditedPhase[] = [{ name: 'main', trust: 'candidate', budget }];
const BEGIN = 'import os, socket, threading, time\nready = lambda: os.write(int(os.environ["ASSAY_READY_FD"]), b"R")\n';
const WORK = 'def work(seconds):\n  end = time.process_time() + seconds\n  while time.process_time() < end: pass\n';
const HONEST = `${BEGIN}${WORK}ready()\nwork(0.1)\nopen("/output/model", "w").write("weights")\nprint("loss: 1.0")`;

const DAEMON =
  'if os.fork() == 0:\n  os.setsid()\n  if os.fork() == 0: time.sleep(60)\n  os._exit(0)\nos.wait()\ntime.sleep(0.2)';

/** What a candidate does beside its work, and the audits that fire. */
const TRICKS: readonly (readonly [name: string, program: string, fired: readonly string[]])[] = [
  ['leaves a daemon', DAEMON, ['process-census', 'thread-census', 'leftover-processes']],
  [
    'works with eight threads',
    'for _ in range(7): threading.Thread(target=time.sleep, args=(0.3,)).start()',
    ['thread-census'],
  ],
  ['leaves a pipe and a link out', 'os.mkfifo("/output/p"); os.symlink("/etc", "/output/l")', ['leftover-files']],
  ['works over time', 'work(1)', ['overtime']],
];
const SEALED_TRICKS: typeof TRICKS = [
  ['reaches out', 'try: socket.create_connection(("192.0.2.1", 80), 1)\nexcept OSError: pass', ['network']],
  ['looks up a name', 'try: socket.getaddrinfo("example.com", 80)\nexcept OSError: pass', ['network']],
  ['reads what is not its own', 'open("/data/held-out.bin").read()', ['forbidden-paths']],
  ['writes a result', 'open("/result/result.json", "w").write("{}")', ['forbidden-paths']],
];

describe.each<SandboxKind>(['bubblewrap', 'process'])('with a real supervisor and %s', (sandbox) => {
  let root = '';
  let executor: LocalExecutor;
  beforeAll(async () => {
    root = await mkdtemp(path.join(os.tmpdir(), 'assay-audits-'));
    const slots = [{ index: 0, cores: [], gpus: [] }];
    executor = await createLocalExecutor({ root, slots, python: '/usr/bin/python3', sandbox, uidBase });
  });
  afterAll(async () => {
    await executor[Symbol.asyncDispose]();
    await rm(root, { recursive: true, force: true });
  });

  async function reportsOn(program: string, resources: AuditedResources): Promise<readonly AuditReport[]> {
    const token = newToken();
    const directory = executor.directoryOf(token);
    const source = path.join(directory, 'output');
    await mkdir(source, { recursive: true });
    const mounts = [{ source, target: '/output', writable: true }];
    const tripwires = planTripwires(mounts);
    const handle = await executor.submit(attemptOf([pythonPhase(program, { mounts, tripwires, budget })], token));
    const end = await executor.ended(handle);
    expect(end).toMatchObject({ phases: [{ reason: 'exited', exitCode: 0 }] });
    await executor.clean(handle);
    return auditTrial({ end, outcome: SUCCEEDED, phases: PHASES, resources });
  }

  const firedBy = async (program: string): Promise<readonly string[]> =>
    (await reportsOn(program, { cores: 2, threads: 1 }))
      .filter((one) => one.finding === 'fired')
      .map((one) => one.audit);

  test('an honest program passes every audit that had to report', async () => {
    const reports = await reportsOn(HONEST, { cores: 1, threads: 1 });
    expect(reports.filter((one) => one.finding !== 'passed')).toEqual([]);
    const expected = expectedRuntimeAudits({ sandbox, phases: PHASES, os: 'linux' });
    expect(reports.map((one) => one.audit).toSorted()).toEqual(expected.toSorted());
  });

  const tricks = sandbox === 'bubblewrap' ? [...TRICKS, ...SEALED_TRICKS] : TRICKS;
  test.each(tricks)('a program that %s is found out, for that reason alone', async (_, trick, audits) => {
    expect(await firedBy(`${BEGIN}${WORK}ready()\n${trick}`)).toEqual(audits);
  });

  test('a program that works before the clock is found out', async () => {
    expect(await firedBy(`${BEGIN}${WORK}work(0.6)\nready()`)).toEqual(['untimed-work']);
  });
});
