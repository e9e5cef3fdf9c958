/**
 * `node scripts/complete-lockfile.ts`, after `npm install`: names in package-lock.json the packages for other platforms that the registry
 * in use didn't have (a mirror that is behind). Without them `npm ci` refuses the lockfile on every platform. They have no checksum: npm adds
 * it when somebody installs with a complete registry.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';

interface LockedPackage {
  readonly optionalDependencies?: Readonly<Record<string, string>>;
  readonly dev?: boolean;
}

const SYSTEMS = ['android', 'darwin', 'freebsd', 'linux', 'openharmony', 'win32'];
const PROCESSORS = ['arm64', 'arm', 'ia32', 'ppc64', 'riscv64', 's390x', 'x64'];
const LIBRARIES: Readonly<Record<string, string>> = {
  gnu: 'glibc',
  gnueabihf: 'glibc',
  musl: 'musl',
  musleabihf: 'musl',
};

const file = path.resolve(import.meta.dirname, '..', 'package-lock.json');
const lock = JSON.parse(readFileSync(file, 'utf8')) as { packages: Record<string, LockedPackage> };
const added: string[] = [];
for (const { optionalDependencies, dev } of Object.values(lock.packages)) {
  for (const [name, version] of Object.entries(optionalDependencies ?? {})) {
    const place = `node_modules/${name}`;
    if (place in lock.packages) continue;
    const words = name.split(/[/-]/);
    const system = words.find((word) => SYSTEMS.includes(word));
    const processor = words.find((word) => PROCESSORS.includes(word));
    if (system === undefined || processor === undefined) throw new Error(`the platform of ${name} is not in its name`);
    const library = system === 'linux' ? LIBRARIES[words.at(-1) ?? ''] : undefined;
    lock.packages[place] = {
      version,
      cpu: [processor],
      ...(dev === true ? { dev } : {}),
      ...(library === undefined ? {} : { libc: [library] }),
      optional: true,
      os: [system],
    } as LockedPackage;
    added.push(name);
  }
}
lock.packages = Object.fromEntries(
  Object.entries(lock.packages).toSorted(([left], [right]) => left.localeCompare(right, 'en')),
);
writeFileSync(file, `${JSON.stringify(lock, undefined, 2)}\n`);
process.stdout.write(`added ${added.length} packages of other platforms\n`);
