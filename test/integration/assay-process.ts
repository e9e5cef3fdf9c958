import { spawn, type ChildProcess } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import type { EventRecord } from '../../src/store/store.ts';
import { openSqliteStore } from '../../src/store/sqlite/open-sqlite-store.ts';

const PROGRAM = path.resolve(import.meta.dirname, '../../bin/assay.js');

export interface Workplace extends Disposable {
  readonly directory: string;
}

/** A folder for campaigns that is gone afterwards. */
export function workplace(): Workplace {
  const directory = mkdtempSync(path.join(tmpdir(), 'assay-integration-'));
  return { directory, [Symbol.dispose]: () => rmSync(directory, { recursive: true, force: true }) };
}

export interface Ending {
  readonly exitCode: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface AssayProcess {
  readonly child: ChildProcess;
  readonly ended: Promise<Ending>;
}

/** The command line as a user starts it. */
export function startAssay(directory: string, args: readonly string[]): AssayProcess {
  const child = spawn(process.execPath, [PROGRAM, '--directory', directory, ...args], {
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const text = { stdout: '', stderr: '' };
  for (const name of ['stdout', 'stderr'] as const) {
    child[name]?.setEncoding('utf8').on('data', (chunk: string) => {
      text[name] += chunk;
    });
  }
  const ended = new Promise<Ending>((resolve) => {
    child.on('close', (exitCode, signal) => resolve({ exitCode, signal, ...text }));
  });
  return { child, ended };
}

export async function runAssay(directory: string, args: readonly string[]): Promise<Ending> {
  return startAssay(directory, args).ended;
}

/** Every event of a campaign so far; empty while there is none. */
export async function eventsOf(directory: string, campaign: string): Promise<EventRecord[]> {
  const records: EventRecord[] = [];
  try {
    await using store = await openSqliteStore(path.join(directory, '.assay', campaign, 'log.db'));
    for await (const record of store.read()) records.push(record);
  } catch {
    // Not made yet.
  }
  return records;
}

/** Waits until a condition on the events holds. @throws Error after `seconds`. */
export async function waitForEvents(
  directory: string,
  campaign: string,
  holds: (records: readonly EventRecord[]) => boolean,
  seconds = 60,
): Promise<readonly EventRecord[]> {
  const until = Date.now() + seconds * 1000;
  for (;;) {
    const records = await eventsOf(directory, campaign);
    if (holds(records)) return records;
    if (Date.now() > until)
      throw new Error(`waited ${seconds} s; the last event is ${JSON.stringify(records.at(-1)?.event)}`);
    await pause(20);
  }
}
