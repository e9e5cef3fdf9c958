import type { TrialOutcome } from '../../domain/trial.ts';
import type { PhaseEnd } from '../../executor/executor.ts';
import type { MemberObservations, PhaseObservations } from '../../executor/observations.ts';
import type { AuditedPhase, AuditedTrial } from './audited-trial.ts';

/** A candidate trains for two seconds, then the judge asks its model, which runs as a peer. */
export const PHASES = [
  {
    name: 'train',
    trust: 'candidate',
    budget: { limitSeconds: 2, graceSeconds: 1, startUpSeconds: 5 },
  },
  { name: 'judge', trust: 'judge', peer: { trust: 'candidate' } },
] as const satisfies readonly AuditedPhase[];

/** What is there but for some parts of it: as if nobody had looked at those. */
export function without<Whole extends object, Name extends keyof Whole>(
  whole: Whole,
  ...names: Name[]
): Omit<Whole, Name> {
  const kept = Object.entries(whole).filter(([name]) => !names.some((one) => one === name));
  return Object.fromEntries(kept) as Omit<Whole, Name>;
}

/** Of an honest program. */
export function seenMember(changes: Partial<MemberObservations> = {}): MemberObservations {
  return {
    census: {
      samples: 60,
      peakProcesses: 1,
      peakThreads: 1,
      peakOrphans: 0,
      peakZombies: 0,
      strayCores: [],
      names: ['python3'],
      waitedSeconds: 0.01,
      cpuSeconds: 2.9,
      wallSeconds: 3,
    },
    network: { noRoute: 0, tcpConnects: 0, tcpRefused: 0, tcpAccepted: 0, udpSent: 0, udpRefused: 0 },
    tripwires: { decoys: 6, touched: [] },
    fresh: { entries: { '/tmp': 0, '/dev/shm': 0, '/output': 0 }, stale: [], sharedNamespaces: [] },
    leftoverProcesses: { count: 0, names: [], seconds: 0.0004 },
    ...changes,
  };
}

export function seenPhase(changes: Partial<PhaseObservations> = {}): PhaseObservations {
  return {
    clocks: { monotonic: 3, realtime: 3, raw: 3, boottime: 3 },
    main: seenMember(),
    leftoverFiles: { entries: 1, bytes: 1000, kinds: { file: 1 }, names: ['checkpoint.pt'], unusual: [] },
    ready: { wallSeconds: 1, cpuSeconds: 0.95, processes: 1, threads: 1 },
    costSeconds: 0.004,
    ...changes,
  };
}

export function endOf(name: string, changes: Partial<PhaseEnd> = {}): PhaseEnd {
  return {
    name,
    reason: 'exited',
    exitCode: 0,
    wallSeconds: 3,
    budgetSeconds: 1.95,
    outputBytes: 100,
    outputTruncated: false,
    observations: seenPhase(),
    ...changes,
  };
}

/** Of the judge's phase: the peer is the candidate's. */
export function judgedEnd(peer: Partial<MemberObservations> = {}): PhaseEnd {
  const seen = without(seenMember(), 'leftoverProcesses');
  const phase = without(seenPhase(), 'ready');
  const entries = { '/tmp': 0, '/dev/shm': 0 };
  const hosted = { ...seen, fresh: { entries, stale: [], sharedNamespaces: [] }, ...peer };
  return without(endOf('judge', { observations: { ...phase, peer: hosted } }), 'budgetSeconds');
}

export const SUCCEEDED: TrialOutcome = {
  status: 'succeeded',
  result: { value: 3.2, metrics: {}, checks: [] },
  facts: { claim: { steps: 79 } },
};

export function trialOf(changes: Partial<AuditedTrial> & { readonly ends?: readonly PhaseEnd[] } = {}): AuditedTrial {
  const { ends = [endOf('train'), judgedEnd()], ...rest } = changes;
  return {
    end: { kind: 'finished', slot: 0, sandbox: 'bubblewrap', phases: ends },
    outcome: SUCCEEDED,
    phases: PHASES,
    resources: { cores: 1 },
    ...rest,
  };
}
