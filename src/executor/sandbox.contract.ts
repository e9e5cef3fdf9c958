import { createServer } from 'node:net';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { once } from 'node:events';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Executor, PhaseRun } from './executor.ts';
import { attemptOf, newToken, phasesOf, pythonPhase, shellPhase, type ExecutorUnderTest } from './executor-fixtures.ts';

/** What a sandbox must withstand when it calls itself 'bubblewrap', whatever starts it. */
export function sandboxContract(name: string, create: () => Promise<ExecutorUnderTest>): void {
  describe(`${name} as a sandbox`, () => {
    let under: ExecutorUnderTest;
    let executor: Executor;
    beforeAll(async () => {
      under = await create();
      executor = under.executor;
    });
    afterAll(async () => under.dispose());

    async function outputOf(one: PhaseRun, token = newToken()): Promise<string> {
      const handle = await executor.submit(attemptOf([one], token));
      const [end] = phasesOf(await executor.ended(handle));
      expect(end).toMatchObject({ reason: 'exited' });
      return readFile(path.join(handle.directory, 'main.out'), 'utf8');
    }

    /** Prints `NAME blocked` or `NAME OPEN` for each attempt. */
    const tries = (attempts: Readonly<Record<string, string>>): string =>
      Object.entries(attempts)
        .map(
          ([each, code]) =>
            `try:\n  ${code}\n  print(${JSON.stringify(each)}, "OPEN")\nexcept OSError as error: print(${JSON.stringify(each)}, "blocked")`,
        )
        .join('\n');

    it('opens nothing of the host', async () => {
      const other = path.join(under.root, newToken());
      await mkdir(other, { recursive: true });
      await writeFile(path.join(other, 'attempt.json'), 'secret');
      const source = path.join(under.root, newToken(), 'read-only');
      await mkdir(source, { recursive: true });
      const attempts = {
        'list of /root': 'os.listdir("/root")',
        shadow: 'open("/etc/shadow")',
        passwd: 'open("/etc/passwd")',
        'another attempt': `open(${JSON.stringify(path.join(other, 'attempt.json'))})`,
        'folder of the attempts': `os.listdir(${JSON.stringify(under.root)})`,
        'write to /': 'open("/x", "w")',
        'write to /usr': 'open("/usr/x", "w")',
        'write to /etc': 'open("/etc/x", "w")',
        'write to /dev': 'open("/dev/x", "w")',
        'write to a read-only mount': 'open("/given/x", "w")',
        core_pattern: 'open("/proc/sys/kernel/core_pattern", "w")',
        drop_caches: 'open("/proc/sys/vm/drop_caches", "w")',
        'memory of the host': 'open("/dev/mem")',
        chroot: 'os.chroot("/tmp")',
        'become root': 'os.setuid(0)',
        'high priority': 'os.setpriority(os.PRIO_PROCESS, 0, -5)',
        'kill others': 'os.kill(-1, 0) if len([p for p in os.listdir("/proc") if p.isdigit()]) > 3 else open("/no")',
      };
      const out = await outputOf(
        pythonPhase(`import os\n${tries(attempts)}`, { mounts: [{ source, target: '/given' }] }),
      );
      expect(out.trim().split('\n')).toEqual(Object.keys(attempts).map((each) => `${each} blocked`));
    });

    it('reaches no network, not even a server of this machine', async () => {
      const server = createServer((socket) => socket.end('hello'));
      server.listen(0, '127.0.0.1');
      await once(server, 'listening');
      const { port } = server.address() as { port: number };
      const attempts = {
        loopback: `socket.create_connection(("127.0.0.1", ${port}), 2)`,
        outside: 'socket.create_connection(("192.0.2.1", 80), 2)',
        names: 'socket.getaddrinfo("localhost.example", 80)',
        raw: 'socket.socket(socket.AF_PACKET, socket.SOCK_RAW)',
      };
      const out = await outputOf(pythonPhase(`import socket\n${tries(attempts)}`));
      server.close();
      expect(out).not.toContain('OPEN');
    });

    it('makes no namespace of its own', async () => {
      expect(await outputOf(shellPhase('unshare -U true 2>/dev/null && echo OPEN || echo blocked'))).toBe('blocked\n');
    });

    it('has no privileges, no descriptors of others, and its own host name', async () => {
      const out = await outputOf(
        shellPhase(
          'grep -E "^(CapPrm|CapEff|CapBnd|NoNewPrivs)" /proc/self/status; uname -n; ls /proc/self/fd | wc -l',
        ),
      );
      expect(out.replace(/\s+/g, ' ').trim()).toBe(
        'CapPrm: 0000000000000000 CapEff: 0000000000000000 CapBnd: 0000000000000000 NoNewPrivs: 1 assay 5',
      );
    });

    it('holds a fork bomb at its limit and leaves nothing of it', async () => {
      const bomb =
        'import os, time\ncount = 0\ntry:\n  while True:\n    if os.fork() == 0: time.sleep(60)\n    count += 1\nexcept OSError: print(count)';
      const count = Number(await outputOf(pythonPhase(bomb, { processes: 40 })));
      expect(count).toBeGreaterThan(20);
      expect(count).toBeLessThanOrEqual(40);
    });

    it('counts what is written to folders in memory', async () => {
      const fill = 'data = bytes(1 << 20)\nwith open("/dev/shm/x", "wb") as file:\n  while True: file.write(data)';
      const handle = await executor.submit(attemptOf([pythonPhase(fill, { memoryBytes: 100 * 2 ** 20 })]));
      const [end] = phasesOf(await executor.ended(handle));
      expect(end!.reason === 'out-of-memory' || end!.exitCode === 1).toBe(true);
    });

    it('runs an interpreter that lies in a folder closed to everybody', async () => {
      const closed = path.join(under.root, newToken());
      await mkdir(path.join(closed, 'tools'), { recursive: true });
      await mkdir(closed, { mode: 0o700, recursive: true });
      const tool = path.join(closed, 'tools', 'hello');
      await writeFile(tool, '#!/bin/sh\necho hello from $0\n', { mode: 0o755 });
      await import('node:fs/promises').then(({ chmod }) => chmod(closed, 0o700));
      const mounts = [{ source: path.join(closed, 'tools'), target: path.join(closed, 'tools') }];
      expect(await outputOf(shellPhase(tool, { mounts }))).toBe(`hello from ${tool}\n`);
    });
  });
}
