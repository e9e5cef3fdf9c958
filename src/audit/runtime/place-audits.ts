import type { LeftoverKind } from '../../executor/observations.ts';
import { counted, seconds, type Context, type Finding, type Member } from './audited-trial.ts';

/** What a later phase or our own clearing up could be led astray by. */
const TRAPS: readonly LeftoverKind[] = ['link-out', 'pipe', 'socket', 'device', 'set-user'];
const ODD: readonly LeftoverKind[] = ['hard-link', 'closed'];
/** The judge's folder for what a candidate makes. */
const OUTPUT = '/output';
const IN_MEMORY = ['/tmp', '/dev/shm'] as const;

/** A phase's writable folders, those of its peer among them. */
export function leftoverFiles({ phase, end }: Context['phases'][number]): Finding | undefined {
  const left = end.observations?.leftoverFiles;
  if (left === undefined) return undefined;
  const what = `${phase.name}: ${counted(left.entries, 'entry', 'entries')}, ${left.bytes} bytes in its writable folders`;
  const unusual = left.unusual.length > 0 ? `: ${left.unusual.join(', ')}` : '';
  if (TRAPS.some((kind) => (left.kinds[kind] ?? 0) > 0)) return { finding: 'fired', detail: `${what}${unusual}` };
  if (left.cut === true) return { finding: 'noted', detail: `${what}, and more` };
  if (ODD.some((kind) => (left.kinds[kind] ?? 0) > 0)) return { finding: 'noted', detail: `${what}${unusual}` };
  return { finding: 'passed', detail: what };
}

export function network({ label, seen }: Member): Finding | undefined {
  const counters = seen?.network;
  if (counters === undefined) return undefined;
  const { noRoute, tcpConnects, tcpRefused, tcpAccepted, udpSent, udpRefused } = counters;
  const attempts = [
    ...(noRoute > 0 ? [`${counted(noRoute, 'packet')} to addresses outside`] : []),
    ...(udpRefused > 0
      ? [`${counted(udpRefused, 'look-up or datagram', 'look-ups or datagrams')} that nobody took`]
      : []),
    ...(tcpRefused > 0 ? [`${counted(tcpRefused, 'connection')} that nobody took`] : []),
  ];
  if (attempts.length > 0) return { finding: 'fired', detail: `${label}: ${attempts.join(', ')}` };
  const within = tcpConnects + tcpAccepted + udpSent;
  if (within > 0)
    return {
      finding: 'noted',
      detail: `${label}: nothing outside; within its sandbox ${counted(tcpConnects, 'connection')}, ${counted(udpSent, 'datagram')}`,
    };
  return { finding: 'passed', detail: `${label}: no packet, no connection, no look-up` };
}

export function forbiddenPaths({ label, seen }: Member): Finding | undefined {
  const tripwires = seen?.tripwires;
  if (tripwires === undefined || tripwires.decoys === 0) return undefined;
  const { decoys, touched, leaks = [] } = tripwires;
  if (touched.length === 0 && tripwires.overflowed !== true)
    return { finding: 'passed', detail: `${label}: ${counted(decoys, 'decoy')}, none touched` };
  const each = touched.map(({ target, opens, writes, firstAt }) => {
    const written = writes > 0 ? `, written to ${writes} times` : '';
    return `${target} at ${seconds(firstAt)} (opened ${opens} times${written})`;
  });
  const copied = leaks.length > 0 ? `; copies of ${leaks.join(', ')} in what it left` : '';
  return { finding: 'fired', detail: `${label}: ${each.join(', ') || 'more than could be counted'}${copied}` };
}

/**
 * What should be fresh is fresh: folders in memory are new and empty in every phase, namespaces are the sandbox's own, and the output is
 * empty until a phase of the same attempt has written to it.
 */
export function persistence(member: Member, context: Context): Finding | undefined {
  const fresh = member.seen?.fresh;
  if (fresh === undefined) return undefined;
  const unseen = IN_MEMORY.some((folder) => fresh.entries[folder] === undefined);
  if (unseen) return undefined;
  const first = context.candidates.find(({ seen }) => seen?.fresh?.entries[OUTPUT] !== undefined);
  const empty = [...IN_MEMORY, ...(first === member ? [OUTPUT] : [])];
  const stale = [
    ...empty.flatMap((folder) => {
      const entries = fresh.entries[folder] ?? 0;
      return entries > 0 ? [`${counted(entries, 'entry', 'entries')} in ${folder}`] : [];
    }),
    ...fresh.stale.map((folder) => `${folder} is older than the phase`),
    ...fresh.sharedNamespaces.map((name) => `the ${name} namespace is not its own`),
  ];
  if (stale.length > 0) return { finding: 'fired', detail: `${member.label}: before it began: ${stale.join(', ')}` };
  return {
    finding: 'passed',
    detail: `${member.label}: ${empty.join(', ')} were new and empty, all namespaces its own`,
  };
}
