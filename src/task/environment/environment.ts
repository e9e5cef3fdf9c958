/** A step of a set-up that takes long enough to be watched. */
export interface Progress {
  readonly message: string;
  readonly elapsedSeconds: number;
}
export type Report = (progress: Progress) => void;

/** A folder of the host that a sandboxed process needs, read-only, at the same path inside. */
export interface ReadOnlyMount {
  readonly source: string;
  readonly target: string;
}

/** The Python that a task runs with. */
export interface Environment {
  /** Absolute path of the interpreter. */
  readonly python: string;
  /** What the interpreter needs beside /usr: its virtual environment and, where that is elsewhere, the Python it was made from. */
  readonly mounts: readonly ReadOnlyMount[];
  /** Of Python, such as 3.11.2. */
  readonly version: string;
  /** Versions of the packages that the task requires. */
  readonly packages: Readonly<Record<string, string>>;
  /** SHA-256 over implementation, version and packages: equal hashes mean comparable numbers. */
  readonly hash: string;
  /** 'given': named by the user. 'found': was on the machine. 'built': made by Assay, now or earlier. */
  readonly how: 'given' | 'found' | 'built';
  /** False: only the present user can reach it, so a sandbox that changes the user cannot run it. */
  readonly isOpenToOthers: boolean;
}

export interface SetUpOptions {
  /** Default: `defaultCacheRoot()`. */
  readonly cacheRoot?: string;
  readonly report?: Report;
  readonly signal?: AbortSignal;
}

/** Adds the seconds since now to every message. */
export function timedReport(report: Report | undefined): (message: string) => void {
  const start = performance.now();
  return (message) => report?.({ message, elapsedSeconds: (performance.now() - start) / 1000 });
}
