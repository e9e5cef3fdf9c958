import type { Census } from '../../executor/observations.ts';
import { counted, seconds, type AuditedResources, type Finding, type Member } from './audited-trial.ts';

/** A program that did so little may have ended before anybody looked; its CPU time is known all the same. */
const UNSEEN = { cpuSeconds: 0.1, wallSeconds: 1 } as const;
/** Of CPU time beside the wall clock: the kernel counts in ticks, and the sandbox's own start is in it. */
const CPU_SLACK = { part: 0.1, seconds: 0.25 } as const;

interface Peaks {
  readonly processes: number;
  readonly threads: number;
}

/** Undefined: nobody looked. Zeros: it was gone before the first look. */
function peaksOf(census: Census): Peaks | undefined {
  if (census.samples === 0) {
    const isBrief = census.cpuSeconds < UNSEEN.cpuSeconds && census.wallSeconds < UNSEEN.wallSeconds;
    return isBrief ? { processes: 0, threads: 0 } : undefined;
  }
  const { peakProcesses, peakThreads } = census;
  return peakProcesses === undefined || peakThreads === undefined
    ? undefined
    : { processes: peakProcesses, threads: peakThreads };
}

/** The contract on threads is about what is timed or answers the judge; a compiler in a phase before may start its helpers. */
function threadLimit({ role, phase }: Member, { threads }: AuditedResources): number | undefined {
  return role === 'peer' || phase.budget !== undefined ? threads : undefined;
}

export function processCensus(member: Member, resources: AuditedResources): Finding | undefined {
  const { label, seen } = member;
  const threads = threadLimit(member, resources);
  const peaks = seen && peaksOf(seen.census);
  if (!seen || !peaks) return undefined;
  const { census } = seen;
  const names = census.names && census.names.length > 0 ? ` (${census.names.join(', ')})` : '';
  const looks = `${label}: ${counted(census.samples, 'look')}, at most ${counted(peaks.processes, 'process', 'processes')}${names}`;
  if (threads !== undefined && peaks.processes > threads)
    return { finding: 'fired', detail: `${looks}; its contract is ${counted(threads, 'thread')}` };
  const orphans = census.peakOrphans ?? 0;
  if (orphans > 0)
    return { finding: 'noted', detail: `${looks}; ${orphans} of them had outlived the process that made them` };
  return { finding: 'passed', detail: looks };
}

export function threadCensus(member: Member, resources: AuditedResources): Finding | undefined {
  const { label, seen } = member;
  const { cores } = resources;
  const threads = threadLimit(member, resources);
  const peaks = seen && peaksOf(seen.census);
  if (!seen || !peaks) return undefined;
  const { cpuSeconds, wallSeconds, strayCores = [] } = seen.census;
  const used = `${label}: at most ${counted(peaks.threads, 'thread')}, ${seconds(cpuSeconds)} of CPU in ${seconds(wallSeconds)}`;
  if (threads !== undefined && peaks.threads > threads)
    return { finding: 'fired', detail: `${used}; its contract is ${counted(threads, 'thread')}` };
  if (strayCores.length > 0)
    return {
      finding: 'fired',
      detail: `${used}; a thread could use cores that were not given (${strayCores.join(', ')})`,
    };
  const atOnce = Math.min(cores, threads ?? cores);
  if (cpuSeconds > wallSeconds * atOnce * (1 + CPU_SLACK.part) + CPU_SLACK.seconds)
    return { finding: 'fired', detail: `${used}, more than ${counted(atOnce, 'core')} can give` };
  if (threads === undefined && peaks.threads > cores)
    return { finding: 'noted', detail: `${used} on ${counted(cores, 'core')}` };
  return { finding: 'passed', detail: used };
}

/** Of a program that ended by itself: one that we ended had no chance to clear up. */
export function leftoverProcesses({ label, seen }: Member): Finding | undefined {
  const left = seen?.leftoverProcesses;
  if (left === undefined) return undefined;
  const { count, names } = left;
  if (count === 0)
    return { finding: 'passed', detail: `${label}: all ended within ${seconds(left.seconds)} of the program` };
  const which = names.length > 0 ? ` (${names.join(', ')})` : '';
  return {
    finding: 'fired',
    detail: `${label}: ${counted(count, 'process', 'processes')}${which} went on after the program had ended`,
  };
}

export function endedByItself({ end }: Member): boolean {
  return end.reason === 'exited' || end.reason === 'signalled';
}
