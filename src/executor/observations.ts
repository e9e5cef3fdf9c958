/**
 * What the supervisor saw of a phase from outside, beside what its limits needed. A part that is absent was not observed: that is never
 * the same as "nothing happened".
 */
export interface PhaseObservations {
  /** Seconds that passed on four clocks from the start of the phase to its end, read by the supervisor. */
  readonly clocks: {
    readonly monotonic: number;
    readonly realtime: number;
    /** Not slewed by time servers. */
    readonly raw: number;
    /** Goes on while the machine sleeps. */
    readonly boottime: number;
  };
  readonly main?: MemberObservations;
  readonly peer?: MemberObservations;
  /** What lies in the writable mounts at the end, decoys left out. */
  readonly leftoverFiles?: LeftoverFiles;
  /** When the ready byte came. Absent: none came, or nothing could be seen at that moment. */
  readonly ready?: ReadyObservation;
  /** When the budget was used up. Absent: the program had ended by then, or nothing could be seen at that moment. */
  readonly limit?: LimitObservation;
  /** Seconds of a core that the supervisor spent on all of this. */
  readonly costSeconds: number;
}

export interface LimitObservation {
  /** From the ready byte to this look: the limit, or a little more. */
  readonly readySeconds: number;
  /** Of the program since it began. */
  readonly cpuSeconds: number;
}

export interface MemberObservations {
  readonly census: Census;
  /** Counters of its own network namespace. Absent where it has none. */
  readonly network?: NetworkCounters;
  readonly tripwires?: TripwireObservation;
  /** Before its program began. Absent where nothing is sealed. */
  readonly fresh?: Freshness;
  /** Of the phase's own process, when it ended by itself. */
  readonly leftoverProcesses?: LeftoverProcesses;
}

/** Looks at /proc: the first 2 ms after the start, then 10 ms later, then every 50 ms or more. */
export interface Census {
  /** Looks that found the program. 0: it ended before the first one; the peaks are then absent. */
  readonly samples: number;
  /** Of the program, without the sandbox's own processes. */
  readonly peakProcesses?: number;
  readonly peakThreads?: number;
  /** Processes that outlived the one that made them, while the program ran. */
  readonly peakOrphans?: number;
  readonly peakZombies?: number;
  /** Cores that a thread was allowed to use though they were not given. */
  readonly strayCores?: readonly number[];
  /** As the processes call themselves; at most eight. */
  readonly names?: readonly string[];
  /** Ready to run while the core was taken by others, first threads only. Absent where the kernel does not count it. */
  readonly waitedSeconds?: number;
  /** On a core, all processes together, the sandbox's own included (some milliseconds). */
  readonly cpuSeconds: number;
  /** From the moment the program could begin to the end of the phase's own process. */
  readonly wallSeconds: number;
}

/** How often something was tried. A name look-up is sent to the sandbox itself, where nobody listens: sent and refused. */
export interface NetworkCounters {
  /** To addresses outside: there is no way to them. */
  readonly noRoute: number;
  readonly tcpConnects: number;
  readonly tcpRefused: number;
  readonly tcpAccepted: number;
  readonly udpSent: number;
  readonly udpRefused: number;
}

export interface TripwireObservation {
  readonly decoys: number;
  /** In the order of their first touch. */
  readonly touched: readonly {
    readonly target: string;
    /** Seconds from the start of the phase. */
    readonly firstAt: number;
    readonly opens: number;
    readonly writes: number;
  }[];
  /** Decoys of which a copy was found in the output or in a writable mount. Looked for only when one was touched. */
  readonly leaks?: readonly string[];
  /** More happened than the kernel could queue: the counts are too low. */
  readonly overflowed?: boolean;
}

export interface Freshness {
  /** Entries by folder inside: of /tmp, /dev/shm and each writable mount, before the program began. */
  readonly entries: Readonly<Record<string, number>>;
  /** Folders in memory that were not made for this phase. */
  readonly stale: readonly string[];
  /** Namespaces that are not the sandbox's own. */
  readonly sharedNamespaces: readonly string[];
}

export interface LeftoverProcesses {
  /** Still alive at the end of the time that helpers may take to end. */
  readonly count: number;
  readonly names: readonly string[];
  /** From the end of the program's own process to the end of the last one, or until the rest was ended. */
  readonly seconds: number;
}

export type LeftoverKind =
  | 'file'
  | 'folder'
  | 'link'
  | 'link-out'
  | 'hard-link'
  | 'pipe'
  | 'socket'
  | 'device'
  | 'set-user'
  | 'closed';

export interface LeftoverFiles {
  readonly entries: number;
  /** Of plain files. */
  readonly bytes: number;
  readonly kinds: Readonly<Partial<Record<LeftoverKind, number>>>;
  /** The first twenty. */
  readonly names: readonly string[];
  /** What is neither a plain file, a folder nor a link that stays inside; the first twenty. */
  readonly unusual: readonly string[];
  /** There was more than was looked at. */
  readonly cut?: boolean;
}

export interface ReadyObservation {
  /** From the moment the program could begin. */
  readonly wallSeconds: number;
  /** Seconds on a core, in steps of the kernel's clock tick (10 ms). */
  readonly cpuSeconds: number;
  readonly processes: number;
  readonly threads: number;
}
