import { spawn } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { campaignFolder } from '../src/engine/campaign-folder.ts';
import { openSqliteStore } from '../src/store/sqlite/open-sqlite-store.ts';
import type { EventType } from '../src/domain/events.ts';
import { median } from '../src/stats/summary.ts';
import { benchCampaign, fillLog, REPOSITORY } from './campaign.ts';
import type { Measurement } from './measurement.ts';

const PROGRAM = path.join(REPOSITORY, 'bin', 'assay.js');

/** Runs the command line as a user would. @returns milliseconds from its start to the first new event of a type, and peak memory. */
async function timeToEvent(
  args: readonly string[],
  directory: string,
  type: EventType,
  after: number,
): Promise<{ milliseconds: number; peakMemoryBytes: number }> {
  const startedAt = Date.now();
  const child = spawn(process.execPath, [PROGRAM, '--directory', directory, ...args], { stdio: 'ignore' });
  const { log } = campaignFolder(directory, 'bench');
  const ended = new Promise((resolve) => child.on('exit', resolve));
  let at: number | undefined;
  let peakMemoryBytes = 0;
  while (child.exitCode === null && child.signalCode === null && at === undefined) {
    peakMemoryBytes = Math.max(peakMemoryBytes, peakMemory(child.pid));
    at = await firstEvent(log, type, after);
    await pause(5);
  }
  at ??= await firstEvent(log, type, after);
  for (let waited = 0; child.exitCode === null && waited < 3000; waited += 50) {
    peakMemoryBytes = Math.max(peakMemoryBytes, peakMemory(child.pid));
    await pause(50);
  }
  child.kill('SIGTERM');
  await ended;
  if (at === undefined) throw new Error(`assay ${args.join(' ')} ended without ${type}`);
  return { milliseconds: at - startedAt, peakMemoryBytes };
}

async function firstEvent(log: string, type: EventType, after: number): Promise<number | undefined> {
  if (!existsSync(log)) return undefined;
  try {
    await using store = await openSqliteStore(log);
    for await (const { at } of store.read({ types: [type], after, limit: 1 })) return at;
  } catch {
    // It is just being made.
  }
  return undefined;
}

function peakMemory(pid: number | undefined): number {
  try {
    const text = readFileSync(`/proc/${pid}/status`, 'latin1');
    return Number(/VmHWM:\s+(\d+) kB/.exec(text)?.[1] ?? 0) * 1024;
  } catch {
    return 0;
  }
}

/** From typing the command to the first result, with the environment built; and the first trial of a fresh engine by itself. */
export async function measureLaunch(repeats: number): Promise<readonly Measurement[]> {
  const launches: number[] = [];
  const firstTrials: number[] = [];
  for (let repeat = 0; repeat < repeats; repeat += 1) {
    await using campaign = await benchCampaign('bench/tasks/trivial', 1);
    launches.push((await timeToEvent(['resume', 'bench'], campaign.directory, 'trial.finished', 0)).milliseconds);
    await using store = await openSqliteStore(campaign.folder.log);
    const times: Partial<Record<EventType, number>> = {};
    for await (const { at, event } of store.read()) times[event.type] ??= at;
    firstTrials.push((times['trial.finished'] ?? Number.NaN) - (times['engine.started'] ?? Number.NaN));
  }
  const range = (values: readonly number[]): string => `${Math.min(...values)} to ${Math.max(...values)}`;
  return [
    {
      name: 'launch to first result',
      value: median(launches),
      unit: 'ms',
      spread: range(launches),
      n: repeats,
      target: '< 1000',
    },
    {
      name: 'first trial of a fresh engine (cold)',
      value: median(firstTrials),
      unit: 'ms',
      spread: range(firstTrials),
      n: repeats,
      target: '< 60',
    },
  ];
}

/** How long a new engine takes to be at work on a log of so many experiments, and its peak memory. */
export async function measureResume(sizes: readonly number[], repeats: number): Promise<readonly Measurement[]> {
  const measurements: Measurement[] = [];
  for (const size of sizes) {
    await using campaign = await benchCampaign('bench/tasks/trivial', size + 20);
    await fillLog(campaign.folder, size);
    const times: number[] = [];
    const memories: number[] = [];
    for (let repeat = 0; repeat < repeats; repeat += 1) {
      await using store = await openSqliteStore(campaign.folder.log);
      const { milliseconds, peakMemoryBytes } = await timeToEvent(
        ['resume', 'bench'],
        campaign.directory,
        'engine.started',
        await store.lastSeq(),
      );
      times.push(milliseconds);
      memories.push(peakMemoryBytes / 1e6);
    }
    measurements.push(
      {
        name: `resume at ${size} experiments`,
        value: median(times),
        unit: 'ms',
        spread: `${Math.min(...times)} to ${Math.max(...times)}`,
        n: repeats,
        ...(size === 10_000 ? { target: '< 1000' } : {}),
      },
      {
        name: `peak memory of the engine at ${size}`,
        value: median(memories),
        unit: 'MB',
        n: repeats,
        ...(size === 10_000 ? { target: '< 200' } : {}),
      },
    );
  }
  return measurements;
}
