import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { Task } from '../task.ts';
import { findInterpreters } from './find-interpreters.ts';
import { needsOf, probeInterpreter } from './probe-interpreter.ts';
import { requiredPackages, unmetRequirements } from './requirements.ts';

export interface PackageFinding {
  readonly what: 'python' | 'package';
  /** What there is, in words. */
  readonly has: string;
  /** Undefined: it fits. */
  readonly remedy?: string;
  /** Nothing waits for it. */
  readonly isOptional?: true;
}

/**
 * The packages of a task one by one, in the interpreter that lacks the fewest: the one that is named, or one of the machine's.
 * Reads what is installed; imports nothing but to find out whether it imports once everything is there.
 */
export async function examinePackages(
  task: Pick<Task, 'requirements' | 'spec'>,
  python?: string,
): Promise<PackageFinding[]> {
  const needs = needsOf(task);
  const given = python ?? (process.env['ASSAY_PYTHON'] || undefined);
  const paths = given === undefined ? findInterpreters(process.env) : [given];
  const probes = await Promise.all(paths.map(async (path) => ({ path, ...(await probeInterpreter(path, needs)) })));
  const [best] = probes
    .filter(({ interpreter }) => interpreter !== undefined)
    .toSorted((left, right) => left.unmet.length - right.unmet.length);
  if (best?.interpreter === undefined) {
    const seen = probes.map(({ path, unmet }) => `${path}: ${unmet.join('; ')}`).join(', ');
    return [
      {
        what: 'python',
        has: `Python ${needs.python} needed; ${seen === '' ? 'none found' : seen}`,
        remedy: 'apt-get install python3 python3-venv, or name one: ASSAY_PYTHON=/path/to/python3',
      },
    ];
  }
  const { executable, version, packages, prefix } = best.interpreter;
  // Marked so (PEP 668), pip refuses to install into it.
  const [major, minor] = version.split('.');
  const isSystem = existsSync(join(prefix, 'lib', `python${major}.${minor}`, 'EXTERNALLY-MANAGED'));
  const place = isSystem ? '~/assay-python/bin/python' : executable;
  const findings: PackageFinding[] = [];
  const wrongPython = best.unmet.find((reason) => reason.startsWith('it is Python'));
  findings.push({
    what: 'python',
    has: `${executable} is Python ${version}, ${needs.python} needed`,
    ...(wrongPython === undefined ? {} : { remedy: 'name another: --python, or ASSAY_PYTHON=/path/to/python3' }),
  });
  const options = needs.requirements.filter((line) => line.startsWith('-'));
  const lines = [...needs.requirements, ...(needs.optional ?? [])];
  for (const [index, line] of lines.entries()) {
    const [name] = requiredPackages([line]);
    if (name === undefined) continue;
    const isOptional = index >= needs.requirements.length;
    const [unmet] = unmetRequirements([line], packages);
    const install = `${place} -m pip install ${[...options, `'${line}'`].join(' ')}`;
    if (unmet === undefined) findings.push({ what: 'package', has: `${name} ${packages[name]}` });
    else if (isOptional)
      findings.push({ what: 'package', has: `${unmet} (${line} would be used)`, remedy: install, isOptional });
    else findings.push({ what: 'package', has: `${unmet} (${line} needed)`, remedy: install });
  }
  if (isSystem && findings.some(({ remedy }) => remedy?.startsWith(place)))
    findings.splice(1, 0, {
      what: 'python',
      has: "it is the system's own, which takes no packages from elsewhere",
      remedy: `${executable} -m venv ~/assay-python, then export ASSAY_PYTHON=${place}`,
      isOptional: true,
    });
  const broken = best.unmet.find((reason) => reason.startsWith('import '));
  if (broken !== undefined)
    findings.push({ what: 'package', has: broken, remedy: 'repair the package that the message names' });
  return findings;
}
