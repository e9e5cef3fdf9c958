import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmod, mkdir, mkdtemp, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { SandboxKind } from '../../domain/trial.ts';
import {
  attemptOf,
  newToken,
  phasesOf,
  pythonPhase,
  shellPhase,
  type ExecutorUnderTest,
} from '../executor-fixtures.ts';
import { executorContract } from '../executor.contract.ts';
import { sandboxContract } from '../sandbox.contract.ts';
import { createLocalExecutor } from './create-local-executor.ts';
import type { LocalExecutor } from './local-executor.ts';
import { isProcessAlive, type ProcessIdentity } from './process-liveness.ts';

// Users of their own, so that tests that run side by side do not share a limit on processes.
const uidBase = 30_000 + (process.pid % 10_000);
const slots = [{ index: 0, cores: [], gpus: [] }];

interface LocalUnderTest extends ExecutorUnderTest {
  readonly executor: LocalExecutor;
  restart(): Promise<LocalExecutor>;
}

async function create(sandbox: SandboxKind): Promise<LocalUnderTest> {
  const root = await mkdtemp(path.join(os.tmpdir(), 'assay-executor-'));
  const open = (): Promise<LocalExecutor> =>
    createLocalExecutor({ root: path.join(root, 'attempts'), slots, python: '/usr/bin/python3', sandbox, uidBase });
  const executor = await open();
  const dispose = async (): Promise<void> => {
    await executor[Symbol.asyncDispose]();
    await rm(root, { recursive: true, force: true });
  };
  return { executor, root: path.join(root, 'attempts'), restart: open, dispose };
}

executorContract('bubblewrap', () => create('bubblewrap'));
executorContract('process', () => create('process'));
sandboxContract('bubblewrap', () => create('bubblewrap'));

describe.runIf(process.getuid?.() === 0)('what is hidden below /usr', () => {
  let folder = '';
  let root = '';
  beforeAll(async () => {
    folder = await mkdtemp('/usr/local/lib/assay-hidden-test-');
    root = await mkdtemp(path.join(os.tmpdir(), 'assay-executor-'));
    await chmod(folder, 0o755);
    await writeFile(path.join(folder, 'secret'), 'held out\n', { mode: 0o644 });
    await mkdir(path.join(folder, 'cache', 'python'), { recursive: true });
    await writeFile(path.join(folder, 'cache', 'python', 'tool'), 'tool\n', { mode: 0o644 });
  });
  afterAll(async () => {
    await rm(folder, { recursive: true, force: true });
    await rm(root, { recursive: true, force: true });
  });

  async function shows(hidden: readonly string[]): Promise<string> {
    const attempts = path.join(root, newToken());
    await using executor = await createLocalExecutor({
      root: attempts,
      slots,
      python: '/usr/bin/python3',
      sandbox: 'bubblewrap',
      uidBase,
      hidden,
    });
    const source = path.join(folder, 'cache', 'python');
    const look = `cat ${folder}/secret 2>&1; find ${folder} | sort; cat ${source}/tool; touch ${folder}/x 2>&1`;
    const handle = await executor.submit(attemptOf([shellPhase(look, { mounts: [{ source, target: source }] })]));
    expect(phasesOf(await executor.ended(handle))).toMatchObject([{ reason: 'exited', exitCode: 1 }]);
    const out = await readFile(path.join(handle.directory, 'main.out'), 'utf8');
    return out.replaceAll(folder, 'FOLDER');
  }

  it('is seen unless it is named', async () => {
    expect(await shows([])).toContain('held out');
  });

  it('is covered by an empty folder in which only the mounts lie', async () => {
    const out = await shows([folder, path.join(folder, 'cache'), path.join(folder, 'missing')]);
    expect(out).not.toContain('held out');
    expect(out.split('\n').slice(0, 6)).toEqual([
      'cat: FOLDER/secret: No such file or directory',
      'FOLDER',
      'FOLDER/cache',
      'FOLDER/cache/python',
      'FOLDER/cache/python/tool',
      'tool',
    ]);
    expect(out).toContain('Read-only file system');
  });

  it('can be a file, or be named by a link', async () => {
    const link = path.join(root, 'link');
    await symlink(folder, link);
    expect(await shows([path.join(folder, 'secret')])).not.toContain('held out');
    expect(await shows([link])).not.toContain('held out');
  });
});

describe.each<SandboxKind>(['bubblewrap', 'process'])('crashes with %s', (sandbox) => {
  let under: LocalUnderTest;
  beforeAll(async () => {
    under = await create(sandbox);
  });
  afterAll(async () => under.dispose());

  it('finds what a killed engine had submitted, and gets the same end', async () => {
    const attempt = attemptOf([pythonPhase('import time; time.sleep(1.5); print("survived")')]);
    const script = fileURLToPath(new URL('submit-and-wait.fixture.ts', import.meta.url));
    const engine = spawn(process.execPath, [script, under.root, sandbox, String(uidBase), JSON.stringify(attempt)], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    const [line] = (await once(engine.stdout, 'data')) as [Buffer];
    const launcher = Number(/submitted (\d+)/.exec(line.toString())?.[1]);
    engine.kill('SIGKILL');
    await once(engine, 'exit');
    const executor = await under.restart();
    const handle = await waitFor(() => executor.find(attempt.token));
    const end = await executor.ended(handle);
    expect(phasesOf(end)).toMatchObject([{ reason: 'exited', exitCode: 0 }]);
    expect(await readFile(path.join(handle.directory, 'main.out'), 'utf8')).toBe('survived\n');
    expect(await under.executor.ended(handle)).toEqual(end);
    await waitFor(async () => (await isNumberedProcessGone(launcher)) || undefined);
    await executor[Symbol.asyncDispose]();
  });

  it('goes on when the launcher is killed, with a new one', async () => {
    const first = await under.executor.submit(attemptOf([shellPhase('sleep 0.5; exit 3')]));
    process.kill(under.executor.launcherPid!, 'SIGKILL');
    const second = await under.executor.submit(attemptOf([shellPhase('exit 4')]));
    const ends = await Promise.all([first, second].map((handle) => under.executor.ended(handle)));
    expect(ends.flatMap(phasesOf).map((end) => end.exitCode)).toEqual([3, 4]);
  });

  it('calls an attempt lost when its supervisor was killed, and leaves no orphan', async () => {
    const token = newToken();
    const marker = `assay-orphan-${token}`;
    const daemon = `import os, sys, time\nif os.fork() == 0:\n  os.setsid()\n  if os.fork() == 0: time.sleep(77)\n  os._exit(0)\nos.wait()\nprint("up", flush=True)\ntime.sleep(77)`;
    const handle = await under.executor.submit(
      attemptOf([{ ...pythonPhase(daemon), command: ['python3', '-c', daemon, marker] }], token),
    );
    await waitFor(
      async () =>
        (await readFile(path.join(handle.directory, 'main.out'), 'utf8').catch(() => '')).includes('up') || undefined,
    );
    expect((await processesWith(marker)).length).toBeGreaterThanOrEqual(2);
    const supervisor = JSON.parse(
      await readFile(path.join(handle.directory, 'supervisor.json'), 'utf8'),
    ) as ProcessIdentity;
    process.kill(supervisor.pid, 'SIGKILL');
    expect(await under.executor.ended(handle)).toMatchObject({ kind: 'lost' });
    expect(await isProcessAlive(supervisor)).toBe(false);
    await waitFor(async () => (await processesWith(marker)).length === 0 || undefined);
    const other = await under.restart();
    expect(await other.observe(handle)).toMatchObject({ state: 'ended', end: { kind: 'lost' } });
    await other[Symbol.asyncDispose]();
  });

  it('leaves no descriptor of the engine open in a supervisor', async () => {
    const handle = await under.executor.submit(attemptOf([shellPhase('sleep 77')]));
    const file = path.join(handle.directory, 'supervisor.json');
    const { pid } = JSON.parse(await waitFor(() => readFile(file, 'utf8').catch(() => undefined))) as ProcessIdentity;
    const own = new Set(await pipesOf(process.pid));
    expect((await pipesOf(pid)).filter((pipe) => own.has(pipe))).toEqual([]);
    await under.executor.cancel(handle);
  });
});

describe('creating a local executor', () => {
  it('takes the weak sandbox when the user asks for it', async () => {
    const root = await mkdtemp(path.join(os.tmpdir(), 'assay-executor-'));
    process.env['ASSAY_SANDBOX'] = 'process';
    const executor = await createLocalExecutor({ root, slots, python: '/usr/bin/python3' });
    delete process.env['ASSAY_SANDBOX'];
    expect([executor.sandbox, executor.sandboxReason]).toEqual(['process', 'the weak sandbox was asked for']);
    await executor[Symbol.asyncDispose]();
    await rm(root, { recursive: true });
  });

  it('says what to do when Python is not there, or the folder cannot be written', async () => {
    const root = await mkdtemp(path.join(os.tmpdir(), 'assay-executor-'));
    await expect(createLocalExecutor({ root, slots, python: '/no/python' })).rejects.toThrow(
      '/no/python could not start',
    );
    await using executor = await createLocalExecutor({
      root: path.join(root, 'attempts'),
      slots,
      python: '/usr/bin/python3',
    });
    const attempt = attemptOf([shellPhase('true')]);
    await writeFile(path.join(root, 'attempts', attempt.token), 'in the way');
    await expect(executor.submit(attempt)).rejects.toThrow('Cannot write');
    expect(await executor.find(attempt.token)).toBeUndefined();
    await rm(root, { recursive: true });
  });
});

async function waitFor<T>(look: () => Promise<T | undefined>): Promise<T> {
  const deadline = Date.now() + 15_000;
  for (;;) {
    const found = await look();
    if (found !== undefined) return found;
    if (Date.now() > deadline) throw new Error('It did not happen within 15 seconds.');
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

async function processesWith(word: string): Promise<string[]> {
  const pids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name));
  const lines = await Promise.all(pids.map((pid) => readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '')));
  return pids.filter((_, index) => lines[index]!.includes(word));
}

async function pipesOf(pid: number): Promise<string[]> {
  const { readlink } = await import('node:fs/promises');
  const names = await readdir(`/proc/${pid}/fd`);
  const links = await Promise.all(names.map((name) => readlink(`/proc/${pid}/fd/${name}`).catch(() => '')));
  return links.filter((link) => /^(pipe|socket):/.test(link));
}

async function isNumberedProcessGone(pid: number): Promise<boolean> {
  return readFile(`/proc/${pid}/stat`, 'latin1').then(
    (stat) => / Z /.test(stat),
    () => true,
  );
}
