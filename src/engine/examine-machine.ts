import { access, constants, mkdtemp, rm, statfs } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { execa } from 'execa';
import { describeError } from '../errors.ts';
import { createLocalExecutor } from '../executor/local/create-local-executor.ts';
import { detectSlots } from '../executor/local/detect-slots.ts';
import { ensureBubblewrap } from '../executor/local/ensure-bubblewrap.ts';
import { listGpus } from '../executor/local/gpus.ts';
import { defaultCacheRoot } from '../task/environment/cache-root.ts';

export interface Finding {
  readonly state: 'ok' | 'warn' | 'fail';
  readonly what: string;
  readonly detail: string;
  /** What to do. Absent when all is well. */
  readonly remedy?: string;
}

const MIN_DISK_BYTES = 3e9;
const MIN_MEMORY_BYTES = 2e9;

/** Looks at everything that a campaign will need. Tries things for real instead of only looking for them. */
export async function examineMachine(directory: string): Promise<readonly Finding[]> {
  const cache = defaultCacheRoot();
  const checks: (() => Promise<Finding> | Finding)[] = [
    () => ({ state: 'ok', what: 'node', detail: `${process.versions.node} (${process.execPath})` }),
    () => program('git', ['--version'], 'install git: apt-get install git'),
    () => program('python3', ['--version'], 'install Python: apt-get install python3 python3-venv'),
    () => venv(),
    () => sandbox(),
    () => folder('campaigns', path.join(directory, '.assay'), 'give another place with --directory'),
    () => folder('cache', cache, 'set ASSAY_CACHE to a folder that you may write'),
    () => memory(),
    () => slots(),
    () => gpus(),
  ];
  const findings: Finding[] = [];
  for (const check of checks) findings.push(await check());
  return findings;
}

async function program(name: string, args: readonly string[], remedy: string): Promise<Finding> {
  try {
    const { stdout } = await execa(name, args, { timeout: 10_000 });
    return { state: 'ok', what: name, detail: stdout.trim() };
  } catch (error) {
    return { state: 'fail', what: name, detail: describeError(error).split('\n', 1)[0] ?? 'not found', remedy };
  }
}

async function venv(): Promise<Finding> {
  const what = 'python venv';
  try {
    await execa('python3', ['-c', 'import venv, ensurepip'], { timeout: 10_000 });
    return { state: 'ok', what, detail: 'environments can be built' };
  } catch {
    return {
      state: 'warn',
      what,
      detail: 'python3 can build no environments',
      remedy: 'apt-get install python3-venv, or name an interpreter that has the packages: ASSAY_PYTHON',
    };
  }
}

async function sandbox(): Promise<Finding> {
  const what = 'sandbox';
  const root = await mkdtemp(path.join(os.tmpdir(), 'assay-doctor-'));
  try {
    const happened = await ensureBubblewrap();
    await using executor = await createLocalExecutor({
      root,
      slots: await detectSlots({ slots: 1 }),
      python: 'python3',
    });
    if (executor.sandbox === 'bubblewrap') return { state: 'ok', what, detail: 'bubblewrap works' };
    return {
      state: 'warn',
      what,
      detail: `${happened} Candidates are confined weakly: they can read what you can read, and every verdict says so.`,
      remedy:
        'apt-get install bubblewrap; where it is installed and does not start, user namespaces are forbidden to you',
    };
  } catch (error) {
    return {
      state: 'fail',
      what,
      detail: describeError(error),
      remedy: 'see above for Python; trials are supervised by it',
    };
  } finally {
    await rm(root, { recursive: true, force: true });
  }
}

async function folder(what: string, place: string, remedy: string): Promise<Finding> {
  try {
    const existing = await nearestExisting(place);
    await access(existing, constants.W_OK);
    const probe = await mkdtemp(path.join(existing, '.assay-probe-'));
    await rm(probe, { recursive: true });
    const { bavail, bsize } = await statfs(existing);
    const free = bavail * bsize;
    const detail = `${place} can be written, ${(free / 1e9).toFixed(0)} GB free`;
    if (free < MIN_DISK_BYTES)
      return { state: 'warn', what, detail, remedy: `make room (an environment with torch takes 1 GB), or ${remedy}` };
    return { state: 'ok', what, detail };
  } catch (error) {
    return { state: 'fail', what, detail: `${place} can't be written: ${describeError(error)}`, remedy };
  }
}

async function nearestExisting(place: string): Promise<string> {
  for (let at = path.resolve(place); ; at = path.dirname(at)) {
    try {
      await access(at, constants.F_OK);
      return at;
    } catch {
      if (at === path.dirname(at)) return at;
    }
  }
}

function memory(): Finding {
  const total = os.totalmem();
  const detail = `${(total / 2 ** 30).toFixed(1)} GiB, ${(os.freemem() / 2 ** 30).toFixed(1)} GiB free`;
  if (total >= MIN_MEMORY_BYTES) return { state: 'ok', what: 'memory', detail };
  return { state: 'warn', what: 'memory', detail, remedy: 'run one slot at a time: --slots 1' };
}

async function slots(): Promise<Finding> {
  const found = await detectSlots();
  return { state: 'ok', what: 'cores', detail: `${found.length} that a one-core trial can have for itself` };
}

async function gpus(): Promise<Finding> {
  const found = await listGpus();
  if (found.length === 0) return { state: 'ok', what: 'gpus', detail: 'none; tasks for the CPU run' };
  return { state: 'ok', what: 'gpus', detail: found.map((gpu) => gpu.name).join(', ') };
}
