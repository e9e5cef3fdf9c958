import { access, constants, readFile, realpath } from 'node:fs/promises';
import path from 'node:path';
import { execa } from 'execa';
import { type ArchiveEntry, PLAIN_FILE, PROGRAM_FILE } from './archive.ts';

/** Of the C library itself: a program brings none of its own, the machine's fits its kernel and its loader. */
const OF_THE_C_LIBRARY = /^(ld-linux|libc\.|libm\.|libdl\.|libpthread\.|librt\.|libresolv\.|linux-vdso)/;

/** Starts git with the libraries beside it, whatever the machine has, and leaves no trace in the environment. */
const GIT_STARTER = `#!/bin/sh
here=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd -P)
exec /lib64/ld-linux-x86-64.so.2 --library-path "$here/lib" "$here/lib/git" "$@"
`;

/** Git and bubblewrap of this machine, for machines that have none. Where this one has none either, the bundle has none. */
export async function programEntries(): Promise<ArchiveEntry[]> {
  const entries: ArchiveEntry[] = [];
  const git = await find('git');
  if (git !== undefined) {
    entries.push({ to: 'programs/git/git', mode: PROGRAM_FILE, text: GIT_STARTER });
    entries.push({ to: 'programs/git/lib/git', mode: PROGRAM_FILE, from: git });
    for (const [name, file] of await librariesOf(git))
      entries.push({ to: `programs/git/lib/${name}`, mode: PLAIN_FILE, from: file });
  }
  // Plain: the loader in its place would be another name among the processes of a sandbox.
  const bubblewrap = await find('bwrap');
  if (bubblewrap !== undefined) entries.push({ to: 'programs/sandbox/bwrap', mode: PROGRAM_FILE, from: bubblewrap });
  return entries;
}

async function find(name: string): Promise<string | undefined> {
  for (const folder of ['/usr/bin', '/bin', '/usr/local/bin']) {
    const file = path.join(folder, name);
    const isThere = await access(file, constants.X_OK).then(
      () => true,
      () => false,
    );
    // A script of that name is somebody's own.
    if (isThere && (await readFile(file)).subarray(1, 4).toString() === 'ELF') return realpath(file);
  }
  return undefined;
}

async function librariesOf(program: string): Promise<[string, string][]> {
  const { stdout } = await execa('ldd', [program], { reject: false });
  const found = [...stdout.matchAll(/^\s*(\S+) => (\/\S+)/gm)].map((match): [string, string] => [
    match[1] ?? '',
    match[2] ?? '',
  ]);
  return Promise.all(
    found
      .filter(([name]) => !OF_THE_C_LIBRARY.test(name))
      .map(async ([name, file]): Promise<[string, string]> => [name, await realpath(file)]),
  );
}
