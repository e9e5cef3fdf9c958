import { existsSync } from 'node:fs';
import { runCommand } from './run-command.ts';

interface SystemPackage {
  readonly name: string;
  readonly why: string;
  readonly isThere: () => Promise<boolean>;
}

const PACKAGES: readonly SystemPackage[] = [
  { name: 'bubblewrap', why: 'the sandbox of trials', isThere: () => works(['bwrap', '--version']) },
  {
    name: 'gcc',
    why: 'the compiler of tasks in C',
    isThere: () => works(['/usr/bin/cc', '--version']),
  },
  {
    name: 'libc6-dev',
    why: 'the headers that C is compiled with',
    isThere: () => Promise.resolve(existsSync('/usr/include/stdio.h')),
  },
  { name: 'git', why: 'the repository of candidates', isThere: () => works(['git', '--version']) },
  {
    name: 'python3-venv',
    why: 'the Python environment of the tests, from a Python that the sandbox’s user can reach',
    isThere: () => works(['/usr/bin/python3', '-c', 'import ensurepip, venv']),
  },
];

/** Installs what the tests need of the system, where that is a matter of one command: as root on Debian and its kin. */
export async function ensureSystemPackages(): Promise<void> {
  const missing: SystemPackage[] = [];
  for (const wanted of PACKAGES) {
    if (!(await wanted.isThere())) missing.push(wanted);
  }
  if (missing.length === 0) return;
  for (const { name, why } of missing) process.stderr.write(`system: ${name} is missing (${why})\n`);
  const names = missing.map(({ name }) => name);
  if (process.getuid?.() !== 0 || !existsSync('/usr/bin/apt-get')) {
    process.stderr.write(
      `system: tests that need it are skipped. On Debian: sudo apt-get install ${names.join(' ')}\n`,
    );
    return;
  }
  process.stderr.write(`system: installing ${names.join(', ')} with apt-get …\n`);
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' };
  await runCommand(['apt-get', 'update', '-qq'], { env });
  const end = await runCommand(['apt-get', 'install', '-y', '-qq', '--no-install-recommends', ...names], { env });
  if (end.exitCode !== 0) process.stderr.write(`system: it could not be installed (offline?):\n${end.output}\n`);
}

async function works(command: readonly [string, ...string[]]): Promise<boolean> {
  return (await runCommand(command)).exitCode === 0;
}
