import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import http from 'node:http';
import type { AddressInfo } from 'node:net';
import path from 'node:path';
import { expect, test } from 'vitest';
import { isLoopback } from './loopback.ts';

const ROOT = path.resolve(import.meta.dirname, '..', '..');

test.each([
  ['localhost', true],
  ['127.0.0.1', true],
  ['127.8.9.10', true],
  ['::1', true],
  ['[::1]', true],
  ['::ffff:127.0.0.1', true],
  ['example.com', false],
  ['127.0.0.1.example.com', false],
  ['192.0.2.1', false],
  ['::ffff:192.0.2.1', false],
  ['2001:db8::1', false],
])('%s is this machine: %s', (host, expected) => {
  expect(isLoopback(host)).toBe(expected);
});

test('a server on this machine can be reached', async () => {
  const server = http.createServer((_, response) => response.end('here'));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  const response = await fetch(`http://127.0.0.1:${port}`);
  expect(await response.text()).toBe('here');
  server.close();
});

test('a test that tries to reach the network fails, even if it swallows the error', () => {
  const folder = mkdtempSync(path.join(ROOT, 'test', 'setup', 'tmp-'));
  try {
    const inner = path.join(folder, 'inner.test.ts');
    writeFileSync(
      inner,
      `import net from 'node:net';
       import dgram from 'node:dgram';
       import { test } from 'vitest';
       test('fetch', async () => { await fetch('http://192.0.2.1/').catch(() => undefined); });
       test('tls', async () => { await fetch('https://example.com/').catch(() => undefined); });
       test('socket', () => { net.connect(80, '192.0.2.1').on('error', () => undefined); });
       test('datagram', () => { try { dgram.createSocket('udp4').unref().send('x', 53, '192.0.2.1'); } catch {} });
       test('nothing', () => undefined);`,
    );
    const vitest = path.join(ROOT, 'node_modules', 'vitest', 'vitest.mjs');
    const report = path.join(folder, 'report.json');
    spawnSync(process.execPath, [vitest, 'run', '--reporter=json', `--outputFile=${report}`, inner], {
      cwd: ROOT,
      stdio: 'pipe',
    });
    expect(JSON.parse(readFileSync(report, 'utf8'))).toMatchObject({ numFailedTests: 4, numPassedTests: 1 });
  } finally {
    rmSync(folder, { recursive: true });
  }
});
