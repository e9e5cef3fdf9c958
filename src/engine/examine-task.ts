import { existsSync, statfsSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { CATALOGUE } from '../audit/catalogue/catalogue.ts';
import { detectSlots } from '../executor/local/detect-slots.ts';
import { listGpus, type Gpu } from '../executor/local/gpus.ts';
import { isCommit, readCheckoutState } from '../task/checkout-state.ts';
import { defaultCacheRoot } from '../task/environment/cache-root.ts';
import { bytesOf, findDataFiles, type FoundDataFiles, isEnough } from '../task/environment/data-files.ts';
import { examinePackages } from '../task/environment/examine-packages.ts';
import { missingPrograms, programRemedy } from '../task/environment/require-programs.ts';
import type { Task } from '../task/task.ts';
import type { Finding } from './examine-machine.ts';

export interface TaskExamination {
  /** Default: those of the machine. */
  readonly gpus?: readonly Gpu[];
  /** Interpreter that the trials are to run with. Default: as for trials. */
  readonly python?: string;
  /** Default: the user's. */
  readonly cacheRoot?: string;
}

const JUDGE_MODULES = fileURLToPath(new URL('../../python/assay_judge', import.meta.url));

/**
 * What this machine has of what a task needs, one finding for each thing. Nothing is installed, copied or run but Python, git and the
 * driver's own list. `fail`: the task can't run here; each has a remedy.
 */
export async function examineTask(task: Task, options: TaskExamination = {}): Promise<readonly Finding[]> {
  const data = await findDataFiles(task);
  return [
    ...(await examineCheckout(task)),
    ...examineJudge(task),
    ...examineAudits(task),
    ...(await examineGpus(task, options)),
    ...(await examineCores(task)),
    ...examineMemory(task),
    ...(await examinePrograms(task)),
    ...(task.spec.environment.build === false ? await examinePackages(task, options.python) : []).map(
      ({ what, has, remedy, isOptional }): Finding =>
        remedy === undefined
          ? { state: 'ok', what, detail: has }
          : { state: isOptional === true ? 'warn' : 'fail', what, detail: has, remedy },
    ),
    ...data.map(examineData),
    ...examineDisk(task, data, options.cacheRoot ?? defaultCacheRoot()),
  ];
}

async function examineCheckout({ spec, folder, files }: Task): Promise<Finding[]> {
  const { source } = spec;
  if (source === undefined) return [];
  const what = 'checkout';
  const place = path.resolve(folder, source.checkout);
  const findings: Finding[] = [];
  const warn = (detail: string, remedy: string): number => findings.push({ state: 'warn', what, detail, remedy });
  const { commit, changed = [], problem } = await readCheckoutState(place);
  const name = source.repository ?? place;
  if (commit === undefined) {
    warn(
      `${name}: commit unknown, ${problem ?? 'git does not say'}. Its files count by their content (SHA-256)`,
      source.writtenFor === undefined
        ? 'clone it with git'
        : `git clone it and check out ${source.writtenFor.slice(0, 7)}`,
    );
  } else {
    const short = commit.slice(0, 12);
    if (source.writtenFor !== undefined && !isCommit(commit, source.writtenFor))
      warn(
        `${name} at ${short}, which is not the commit this task's rules were written for (${source.writtenFor.slice(0, 12)}). Its files count by their content (SHA-256)`,
        `git -C ${place} checkout ${source.writtenFor.slice(0, 12)}, or read task.yaml against the rules of ${short}`,
      );
    else findings.push({ state: 'ok', what, detail: `${name} at ${short}` });
    if (source.commit !== undefined && !isCommit(commit, source.commit))
      warn(
        `it was at ${source.commit.slice(0, 12)} when the task was made`,
        'make the task anew, or check that commit out',
      );
  }
  const used = new Set(files.filter(({ ofCheckout }) => ofCheckout === true).map((file) => file.path));
  const altered = changed.filter((file) => used.has(file));
  if (altered.length > 0)
    warn(
      `changed since its commit, and used as it is now: ${altered.join(', ')}`,
      `git -C ${place} diff shows what; git -C ${place} stash takes it back`,
    );
  const over = files.filter(
    (file) => file.ofCheckout !== true && used.size > 0 && existsSync(path.join(place, file.path)),
  );
  if (source.substitutes !== undefined)
    warn(
      `modules of Assay stand in for ${source.substitutes.join(', ')}`,
      'a deviation, named in every result; with the packages themselves take source: substitutes out',
    );
  const laid = over.filter(({ role }) => role === 'protected').map((file) => file.path);
  if (laid.length > 0)
    warn(
      `the task lays its own files over the checkout's: ${laid.join(', ')}`,
      'a deviation: name it with every result',
    );
  return findings;
}

/** Checks that the judge must report, under names that somebody else reports by: no result would ever have them. */
function examineAudits({ spec }: Task): Finding[] {
  return spec.audits.judge.flatMap((id): Finding[] => {
    const runs = CATALOGUE.get(id)?.runs;
    return runs === undefined || runs === 'judge'
      ? []
      : [
          {
            state: 'fail',
            what: 'audits',
            detail: `audits: judge names ${id}, an audit of Assay's own that no judge reports (assay audit --list)`,
            remedy: 'take it out of the list; if the judge has a check of that name, give the check another',
          },
        ];
  });
}

/** The modules of our own that judge. */
function examineJudge({ spec }: Task): Finding[] {
  const processes = spec.phases.flatMap((phase) => [phase, ...(phase.peer === undefined ? [] : [phase.peer])]);
  const named = processes.flatMap(({ command }) =>
    command.flatMap((word) => /^assay_judge\.(\w+)$/.exec(word)?.[1] ?? []),
  );
  return [...new Set(named)]
    .filter(
      (module) =>
        !existsSync(path.join(JUDGE_MODULES, `${module}.py`)) && !existsSync(path.join(JUDGE_MODULES, module)),
    )
    .map((module) => ({
      state: 'fail',
      what: 'judge',
      detail: `the module assay_judge.${module} is not part of this version of Assay`,
      remedy: 'use a version that has it, or name another command in task.yaml: phases',
    }));
}

async function examineGpus({ spec }: Task, options: TaskExamination): Promise<Finding[]> {
  const { gpus: wanted, gpu: kind } = spec.resources;
  if (wanted === 0) return [];
  const what = 'gpus';
  const all = options.gpus ?? (await listGpus());
  const fits = (gpu: Gpu): boolean =>
    (kind?.kinds?.some((name) => gpu.name.toLowerCase().includes(name.toLowerCase())) ?? true) &&
    // Drivers keep a little for themselves.
    (kind?.memoryBytes === undefined || gpu.memoryBytes === undefined || gpu.memoryBytes >= 0.97 * kind.memoryBytes);
  const good = all.filter(fits);
  const asked = [
    `${wanted} GPU${wanted === 1 ? '' : 's'}`,
    ...(kind?.kinds === undefined ? [] : [`of kind ${kind.kinds.join(' or ')}`]),
    ...(kind?.memoryBytes === undefined ? [] : [`with ${sizeWords(kind.memoryBytes)} each`]),
  ].join(' ');
  const names = all.map(({ name, memoryBytes }) =>
    memoryBytes === undefined ? name : `${name} (${sizeWords(memoryBytes)})`,
  );
  const detail = `${asked} needed; ${all.length === 0 ? 'none found (no NVIDIA driver answers)' : `found ${names.join(', ')}`}`;
  if (good.length >= wanted) return [{ state: 'ok', what, detail }];
  const remedy =
    all.length === 0
      ? 'run it on a machine with such GPUs; where there is one, nvidia-smi must list it'
      : `run it on a machine with ${asked}, or ask for less in task.yaml: resources`;
  return [{ state: 'fail', what, detail, remedy }];
}

async function examineCores({ spec }: Task): Promise<Finding[]> {
  const { cores } = spec.resources;
  const usable = (await detectSlots()).length;
  if (usable >= cores) return [];
  return [
    {
      state: 'fail',
      what: 'cores',
      detail: `${cores} cores needed for a trial; ${usable} found`,
      remedy: 'run it on a larger machine, or ask for fewer in task.yaml: resources: cores',
    },
  ];
}

function examineMemory({ spec }: Task): Finding[] {
  const { memoryBytes } = spec.resources;
  if (os.totalmem() >= memoryBytes) return [];
  return [
    {
      state: 'fail',
      what: 'memory',
      detail: `a trial may use ${sizeWords(memoryBytes)}; this machine has ${sizeWords(os.totalmem())}`,
      remedy: 'run it on a larger machine, or lower the limit in task.yaml: resources: memory',
    },
  ];
}

async function examinePrograms(task: Task): Promise<Finding[]> {
  return (await missingPrograms(task)).map((name) => ({
    state: 'fail',
    what: 'program',
    detail: `${name} is not in /usr/bin or /bin`,
    remedy: programRemedy([name]),
  }));
}

function examineData(data: FoundDataFiles): Finding {
  const { entry, place, found } = data;
  const what = 'data';
  const size = sizeWords(bytesOf(found));
  if (isEnough(data)) return { state: 'ok', what, detail: `${entry.what}: ${found.length} at ${place} (${size})` };
  const lacking =
    found.length >= entry.atLeast
      ? `${size}, ${sizeWords(entry.atLeastBytes ?? 0)} at least are needed`
      : entry.atLeast === 1
        ? 'not there'
        : `${found.length} of at least ${entry.atLeast} there`;
  return { state: 'fail', what, detail: `${entry.what}: ${lacking}, looked at ${place}`, remedy: entry.remedy };
}

/** Room for the copy of the data and for what a trial may keep. */
function examineDisk({ spec }: Task, data: readonly FoundDataFiles[], cacheRoot: string): Finding[] {
  if (data.length === 0) return [];
  const forData = data.reduce((sum, one) => {
    const missing = isEnough(one) ? 0 : (one.entry.sizeBytes ?? 0);
    return sum + Math.max(bytesOf(one.found), missing);
  }, 0);
  const needed = forData + spec.resources.diskBytes;
  let existing = path.resolve(cacheRoot);
  while (!existsSync(existing)) existing = path.dirname(existing);
  const { bavail, bsize } = statfsSync(existing);
  const free = bavail * bsize;
  const detail = `${sizeWords(needed)} needed (data ${sizeWords(forData)}, a trial ${sizeWords(spec.resources.diskBytes)}); ${sizeWords(free)} free at ${cacheRoot}`;
  if (free >= needed) return [{ state: 'ok', what: 'disk', detail }];
  return [
    { state: 'fail', what: 'disk', detail, remedy: 'make room, or set ASSAY_CACHE to a folder on a larger disk' },
  ];
}

/** In MiB below one GiB. */
function sizeWords(bytes: number): string {
  if (bytes < 2 ** 30) return `${Math.ceil(bytes / 2 ** 20)} MiB`;
  return `${(bytes / 2 ** 30).toFixed(bytes < 100 * 2 ** 30 ? 1 : 0)} GiB`;
}
