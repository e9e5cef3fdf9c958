import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterAll, beforeEach, expect, test } from 'vitest';
import type { AuditReport } from '../../domain/audit.ts';
import { ENVIRONMENT_AUDITS } from '../catalogue/environment-audits.ts';
import { openIntegrity, type Integrity, type IntegrityParts } from './open-integrity.ts';

const base = mkdtempSync(path.join(tmpdir(), 'assay-integrity-'));
chmodSync(base, 0o755);
afterAll(() => rmSync(base, { recursive: true, force: true }));

const ids = ENVIRONMENT_AUDITS.map(({ id }) => id);
let count = 0;
let place: string;
let parts: IntegrityParts;

beforeEach(() => {
  count += 1;
  place = path.join(base, String(count));
  for (const name of ['env/lib', 'judge/assay_judge', 'task', 'cache/data/made'])
    mkdirSync(path.join(place, name), { recursive: true });
  for (const name of [
    'env/lib/module.py',
    'judge/assay_judge/judge.py',
    'task/evaluate.py',
    'cache/data/made/held.txt',
  ])
    writeFileSync(path.join(place, name), `${name}\n`);
  const mounted = path.join(place, 'env');
  parts = {
    environment: { python: '/usr/bin/python3', mounts: [{ source: mounted, target: mounted }] },
    judgePackage: path.join(place, 'judge'),
    taskFolder: path.join(place, 'task'),
    dataDirectory: path.join(place, 'cache/data/made'),
    cacheRoot: path.join(place, 'cache'),
    record: { file: path.join(place, 'integrity.json'), key: Buffer.alloc(32, 1) },
  };
});

function manifestFile(): string {
  const folder = path.join(place, 'cache', 'environments');
  const name = readdirSync(folder).find((each) => each.endsWith('.manifest'));
  if (name === undefined) throw new Error('no manifest was kept');
  return path.join(folder, name);
}

async function findings(integrity: Integrity): Promise<Record<string, AuditReport['finding']>> {
  const reports = await integrity.check();
  expect(reports.map(({ audit }) => audit)).toEqual(ids);
  for (const { version, detail } of reports) {
    expect(version).toBe(1);
    expect(detail).not.toBe('');
  }
  return Object.fromEntries(reports.map(({ audit, finding }) => [audit, finding]));
}

function all(finding: AuditReport['finding']): Record<string, string> {
  return Object.fromEntries(ids.map((id) => [id, finding]));
}

test('what nobody changed passes, with numbers of what was looked at', async () => {
  const integrity = await openIntegrity(parts);
  const reports = await integrity.check();
  expect(Object.fromEntries(reports.map(({ audit, finding }) => [audit, finding]))).toEqual(all('passed'));
  for (const { detail } of reports) expect(detail).toMatch(/^\d+ files, .*, \d+ sampled, sha256 [0-9a-f]{12}$/);
  expect(Number(reports[0]?.detail.split(' ')[0])).toBeGreaterThan(500); // the standard library is in it
});

test.each([
  ['environment', 'env/lib/module.py'],
  ['judge-files', 'judge/assay_judge/judge.py'],
  ['task-files', 'task/evaluate.py'],
  ['data-files', 'cache/data/made/held.txt'],
])('%s fires at a change in this engine and in the next one, and no other does', async (id, file) => {
  const integrity = await openIntegrity(parts);
  writeFileSync(path.join(place, file), 'forged\n');
  expect(await findings(integrity)).toEqual({ ...all('passed'), [id]: 'fired' });
  expect(await findings(await openIntegrity(parts))).toEqual({ ...all('passed'), [id]: 'fired' });
});

test('a new campaign begins with what is there and says so; the one before is held to what it had', async () => {
  await openIntegrity(parts);
  writeFileSync(path.join(place, 'env/lib/module.py'), 'a newer version\n');
  const next = { ...parts, record: { file: path.join(place, 'next.json'), key: Buffer.alloc(32, 2) } };
  const integrity = await openIntegrity(next);
  expect(await findings(integrity)).toEqual({ ...all('passed'), environment: 'noted' });
  expect(await findings(integrity)).toEqual(all('passed'));
  const before = await (await openIntegrity(parts)).check();
  expect(before.find(({ audit }) => audit === 'environment')).toMatchObject({
    finding: 'fired',
    detail: expect.stringContaining('not what the campaign began with') as string,
  });
});

const DAMAGE: Readonly<Record<string, (text: string) => string>> = {
  'cut off': (text) => text.slice(0, text.length >> 1),
  empty: () => '',
  'of another line': (text) => text.replace('module.py', 'modulo.py'),
  'no text of ours': () => '{"format":1}\nx',
};
test.each(Object.entries(DAMAGE))('a manifest that is %s fires, is named, and is not replaced', async (_, damage) => {
  await openIntegrity(parts);
  const file = manifestFile();
  const damaged = damage(readFileSync(file, 'utf8'));
  writeFileSync(file, damaged);
  for (const each of [parts, { ...parts, record: { file: path.join(place, 'new.json'), key: Buffer.alloc(32, 3) } }]) {
    const [environment] = await (await openIntegrity(each)).check();
    expect(environment).toMatchObject({ audit: 'environment', finding: 'fired' });
    expect(environment?.detail).toContain(file);
  }
  expect(readFileSync(file, 'utf8')).toBe(damaged);
});

test('a manifest that was removed, with the files changed, is no way round the record of the campaign', async () => {
  await openIntegrity(parts);
  writeFileSync(path.join(place, 'env/lib/module.py'), 'forged\n');
  rmSync(manifestFile());
  expect(await findings(await openIntegrity(parts))).toEqual({ ...all('passed'), environment: 'fired' });
});

test('a record that was changed, or made with another key, fires everywhere', async () => {
  await openIntegrity(parts);
  const { record } = parts;
  if (record === undefined) throw new Error('there is no record');
  expect(await findings(await openIntegrity({ ...parts, record: { ...record, key: Buffer.alloc(32, 9) } }))).toEqual(
    all('fired'),
  );
  writeFileSync(record.file, readFileSync(record.file, 'utf8').replace('environment', 'environmen_'));
  expect(await findings(await openIntegrity(parts))).toEqual(all('fired'));
});

test('a tree that cannot be looked at fires, and a task without data says so', async () => {
  const { dataDirectory: _, ...withoutData } = parts;
  const integrity = await openIntegrity(withoutData);
  const data = (await integrity.check()).find(({ audit }) => audit === 'data-files');
  expect(data).toMatchObject({ finding: 'passed', detail: 'the task has none: 0 files' });
  rmSync(path.join(place, 'task'), { recursive: true });
  expect(await findings(integrity)).toEqual({ ...all('passed'), 'task-files': 'fired' });
});

test('two processes that come at once take one manifest, and it is whole', async () => {
  const program = `
    const { openIntegrity } = await import(${JSON.stringify(pathToFileURL(path.resolve(import.meta.dirname, 'open-integrity.ts')).href)});
    const { record: _, ...parts } = JSON.parse(process.argv[1]);
    const integrity = await openIntegrity(parts);
    console.log((await integrity.check()).map(({ finding, detail }) => finding + ' ' + detail.split(' ').at(-1)).join());`;
  const outputs = await Promise.all(
    [1, 2].map(async () => {
      const child = spawn(process.execPath, ['--input-type=module', '-e', program, JSON.stringify(parts)]);
      let text = '';
      child.stdout.setEncoding('utf8').on('data', (chunk: string) => (text += chunk));
      child.stderr.setEncoding('utf8').on('data', (chunk: string) => (text += chunk));
      await once(child, 'close');
      return text.trim();
    }),
  );
  expect(outputs[0]).toMatch(/^passed \w{12},passed \w{12},passed \w{12},passed \w{12}$/);
  expect(outputs[1]).toBe(outputs[0]);
  expect(readdirSync(path.dirname(manifestFile())).filter((name) => /\.manifest\./.test(name))).toEqual([
    `${path.basename(manifestFile())}.lock`,
  ]);
});
