import { mkdir, readFile, stat, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { AttemptHandle, Executor, PhaseRun } from './executor.ts';
import {
  attemptOf,
  newToken,
  phase,
  phasesOf,
  pythonPhase,
  runToEnd,
  shellPhase,
  type ExecutorUnderTest,
} from './executor-fixtures.ts';

/** Every adapter of the port passes these, with real processes. */
export function executorContract(name: string, create: () => Promise<ExecutorUnderTest>): void {
  describe(`${name} as an executor`, () => {
    let under: ExecutorUnderTest;
    let executor: Executor;
    beforeAll(async () => {
      under = await create();
      executor = under.executor;
    });
    afterAll(async () => under.dispose());

    async function run(
      one: PhaseRun,
    ): Promise<{ end: Awaited<ReturnType<typeof runToEnd>>[number]; out: string; err: string }> {
      const handle = await executor.submit(attemptOf([one]));
      const [end] = phasesOf(await executor.ended(handle));
      return { end: end!, out: await output(handle, 'out'), err: await output(handle, 'err') };
    }

    const output = (handle: AttemptHandle, kind: string): Promise<string> =>
      readFile(path.join(handle.directory, `main.${kind}`), 'utf8');

    it('reports the exit code and keeps both outputs', async () => {
      const { end, out, err } = await run(shellPhase('echo good; echo bad >&2; exit 7'));
      expect(end).toMatchObject({
        name: 'main',
        reason: 'exited',
        exitCode: 7,
        outputBytes: 9,
        outputTruncated: false,
      });
      expect(end.wallSeconds).toBeGreaterThan(0);
      expect(end).not.toHaveProperty('budgetSeconds');
      expect([out, err]).toEqual(['good\n', 'bad\n']);
    });

    it.each(['SIGKILL', 'SIGSEGV', 'SIGABRT'])('reports a program that ends by %s', async (signal) => {
      const { end } = await run(pythonPhase(`import os, signal; os.kill(os.getpid(), signal.${signal})`));
      expect(end).toMatchObject({ reason: 'signalled', signal });
    });

    it('says that a program that does not exist was not started', async () => {
      const { end } = await run(phase(['/no/such/program']));
      expect(end).toMatchObject({ reason: 'not-started' });
      expect(end.detail).toContain('/no/such/program');
    });

    it('runs the phases in order and ends the attempt with the first that fails', async () => {
      const names = ['one', 'two', 'three'] as const;
      const ends = await runToEnd(
        executor,
        names.map((each) => shellPhase(each === 'two' ? 'exit 1' : 'exit 0', { name: each })),
      );
      expect(ends.map((end) => [end.name, end.exitCode])).toEqual([
        ['one', 0],
        ['two', 1],
      ]);
    });

    it('hands files from phase to phase through a writable mount', async () => {
      const token = newToken();
      const source = path.join(under.root, token, 'work');
      await mkdir(source, { recursive: true });
      const mounts = [{ source, target: '/inside', writable: true }];
      const where = { mounts, directory: '/inside' };
      const ends = await runToEnd(
        executor,
        [
          shellPhase('echo 42 > answer', { ...where, name: 'write' }),
          shellPhase('grep 42 /inside/answer', { ...where, name: 'read' }),
        ],
        token,
      );
      expect(ends.map((end) => end.exitCode)).toEqual([0, 0]);
      expect(await readFile(path.join(source, 'answer'), 'utf8')).toBe('42\n');
      const handle = (await executor.find(token))!;
      await executor.clean(handle);
      await expect(stat(source)).rejects.toThrow('ENOENT');
      expect(await readFile(path.join(handle.directory, 'read.out'), 'utf8')).toBe('42\n');
      expect(await executor.observe(handle)).toMatchObject({ state: 'ended' });
    });

    it('ends the whole tree at the timeout, daemons in sessions of their own included', async () => {
      const token = newToken();
      const source = path.join(under.root, token, 'work');
      await mkdir(source, { recursive: true });
      const daemon =
        'import os, time\nif os.fork() == 0:\n  os.setsid()\n  if os.fork() == 0:\n    while True:\n      open("/inside/alive", "w").write(str(time.time())); time.sleep(0.02)\n  os._exit(0)\n';
      const wait =
        'while not os.path.exists("/inside/alive"): time.sleep(0.01)\nprint("up", flush=True)\ntime.sleep(60)';
      const [end] = await runToEnd(
        executor,
        [pythonPhase(daemon + wait, { timeoutSeconds: 2.5, mounts: [{ source, target: '/inside', writable: true }] })],
        token,
      );
      expect(end).toMatchObject({ reason: 'timeout' });
      expect(end!.wallSeconds).toBeGreaterThan(2.4);
      const last = await readFile(path.join(source, 'alive'), 'utf8');
      await new Promise((resolve) => setTimeout(resolve, 200));
      expect(await readFile(path.join(source, 'alive'), 'utf8')).toBe(last);
    });

    it('keeps the first bytes of a flood, counts all, and goes on', async () => {
      const megabytes = 50;
      const flood = `import os\nfor _ in range(${megabytes}): os.write(1, b"x" * 1048576) == 1048576 or 1/0\nprint("end")`;
      const { end, out } = await run(pythonPhase(flood));
      expect(end).toMatchObject({ reason: 'exited', exitCode: 0, outputTruncated: true });
      expect(end.outputBytes).toBe(megabytes * 2 ** 20 + 4);
      expect(out).toBe('x'.repeat(100_000));
    });

    it('ends a tree whose processes use too much memory together, and reports the peak', async () => {
      const { end } = await run(
        pythonPhase('import os, time\nos.fork(); os.fork()\ndata = bytearray(b"x") * (100 << 20)\ntime.sleep(20)', {
          memoryBytes: 200 * 2 ** 20,
        }),
      );
      expect(end).toMatchObject({ reason: 'out-of-memory' });
      expect(end.peakMemoryBytes).toBeGreaterThan(200 * 2 ** 20);
      expect(end.wallSeconds).toBeLessThan(15);
    });

    it('ends what keeps too much in its writable mounts, and counts what an ended program left', async () => {
      const write = async (rest: string): Promise<Awaited<ReturnType<typeof runToEnd>>[number]> => {
        const token = newToken();
        const source = path.join(under.root, token, 'work');
        await mkdir(source, { recursive: true });
        const program = `for part in range(6): open(f"{part}", "w").write("x" * (1 << 20))\n${rest}`;
        const mounts = [{ source, target: '/inside', writable: true }];
        const within = { mounts, directory: '/inside', diskBytes: 4 * 2 ** 20 };
        const [end] = await runToEnd(executor, [pythonPhase(program, within)], token);
        return end!;
      };
      const running = await write('import time\ntime.sleep(20)');
      expect(running).toMatchObject({ reason: 'over-disk' });
      expect(running.detail).toContain('limit is 4.0 MiB');
      expect(running.wallSeconds).toBeLessThan(15);
      expect(await write('')).toMatchObject({ reason: 'over-disk' });
    });

    it('reports the peak memory of a program that stays within its limit', async () => {
      const { end } = await run(pythonPhase('import time\ndata = bytearray(b"x") * (150 << 20)\ntime.sleep(0.3)'));
      expect(end).toMatchObject({ reason: 'exited', exitCode: 0 });
      expect(end.peakMemoryBytes).toBeGreaterThan(150 * 2 ** 20);
      expect(end.peakMemoryBytes).toBeLessThan(200 * 2 ** 20);
    });

    it('starts the clock with the ready byte and ends what goes over its budget', async () => {
      const ready = 'import os, time\ntime.sleep(0.5)\nos.write(int(os.environ["ASSAY_READY_FD"]), b"R")\n';
      const budget = { limitSeconds: 0.4, graceSeconds: 0.2 };
      const within = await run(
        pythonPhase(`${ready}time.sleep(0.1)`, { budget: { limitSeconds: 10, graceSeconds: 1 } }),
      );
      expect(within.end).toMatchObject({ reason: 'exited', exitCode: 0 });
      expect(within.end.budgetSeconds).toBeGreaterThan(0.08);
      expect(within.end.wallSeconds - within.end.budgetSeconds!).toBeGreaterThan(0.4);
      const over = await run(pythonPhase(`${ready}time.sleep(30)`, { budget }));
      expect(over.end).toMatchObject({ reason: 'over-budget' });
      expect(over.end.budgetSeconds).toBeGreaterThan(0.55);
      expect(over.end.wallSeconds).toBeLessThan(10);
    });

    it('joins a peer by two pipes and ends it with the phase', async () => {
      const peer = phase([
        'python3',
        '-I',
        '-S',
        '-c',
        'import sys, time\nfor line in sys.stdin: print(line.upper(), end="", flush=True)\nprint("peer", file=sys.stderr)\ntime.sleep(60)',
      ]);
      const main =
        'import os\nout = os.fdopen(int(os.environ["ASSAY_PEER_OUT_FD"]), "w", 1)\nback = os.fdopen(int(os.environ["ASSAY_PEER_IN_FD"]))\nfor word in ("one", "two"):\n  out.write(word + "\\n"); out.flush(); print(back.readline().strip())';
      const { end, out } = await run(pythonPhase(main, { peer }));
      expect(end).toMatchObject({ reason: 'exited', exitCode: 0 });
      expect(end.wallSeconds).toBeLessThan(20);
      expect(out).toBe('ONE\nTWO\n');
    });

    it('gives the program exactly its environment: nothing of ours', async () => {
      process.env['ASSAY_TEST_SECRET'] = 'leaked';
      const { out } = await run(shellPhase('env', { environment: { GIVEN: 'yes' } }));
      delete process.env['ASSAY_TEST_SECRET'];
      expect(out).toContain('GIVEN=yes');
      expect(out).not.toContain('leaked');
      const names = out
        .trim()
        .split('\n')
        .map((line) => line.split('=')[0]!);
      const expected = ['ASSAY_PROCESS_TAG', 'ASSAY_READY_FD', 'GIVEN', 'HOME', 'LANG', 'PATH', 'PWD', 'TMPDIR'];
      expect(names.filter((each) => !expected.includes(each))).toEqual([]);
    });

    it('runs a token once, however often it is submitted', async () => {
      const token = newToken();
      const source = path.join(under.root, token, 'work');
      await mkdir(source, { recursive: true });
      const attempt = attemptOf(
        [
          shellPhase('echo run >> /inside/runs; sleep 0.3', {
            mounts: [{ source, target: '/inside', writable: true }],
          }),
        ],
        token,
      );
      const other = await under.restart();
      const handles = await Promise.all([executor, executor, other].map((each) => each.submit(attempt)));
      const ends = await Promise.all(handles.map((handle) => executor.ended(handle)));
      await other[Symbol.asyncDispose]();
      expect(new Set(ends.map((end) => JSON.stringify(end))).size).toBe(1);
      expect(await executor.submit(attempt)).toEqual(handles[0]);
      expect(await readFile(path.join(source, 'runs'), 'utf8')).toBe('run\n');
    });

    it('does not find what was never started', async () => {
      expect(await executor.find(newToken())).toBeUndefined();
      await expect(executor.find('../escape')).rejects.toThrow('token');
    });

    it('cancels: nothing is left and the end says so', async () => {
      const handle = await executor.submit(attemptOf([shellPhase('sleep 77 & sleep 77')]));
      await executor.cancel(handle);
      expect(phasesOf(await executor.ended(handle))).toMatchObject([{ reason: 'cancelled' }]);
      await executor.cancel(handle);
    });

    it('stops waiting when asked, with the reason given; the attempt goes on', async () => {
      const handle = await executor.submit(attemptOf([shellPhase('sleep 77')]));
      const reason = new Error('enough');
      await expect(executor.ended(handle, AbortSignal.abort(reason))).rejects.toBe(reason);
      const abort = new AbortController();
      setTimeout(() => abort.abort(reason), 50);
      await expect(executor.ended(handle, abort.signal)).rejects.toBe(reason);
      expect(await executor.observe(handle)).toEqual({ state: 'running' });
      await executor.cancel(handle);
    });

    it('refuses a mount whose place an earlier phase took with a link', async () => {
      const token = newToken();
      const source = path.join(under.root, token, 'work');
      await mkdir(path.join(source, 'result'), { recursive: true });
      await writeFile(path.join(under.root, token, 'secret'), 'secret', { mode: 0o600 });
      const swap = shellPhase('rm -r result && ln -s ../secret result', {
        name: 'swap',
        mounts: [{ source, target: '/inside', writable: true }],
        directory: '/inside',
      });
      const read = shellPhase('cat /result', {
        name: 'read',
        mounts: [{ source: path.join(source, 'result'), target: '/result' }],
      });
      const ends = await runToEnd(executor, [swap, read], token);
      expect(ends[1]).toMatchObject({ reason: 'not-started' });
      expect(ends[1]!.detail).toContain('link');
    });
  });
}
