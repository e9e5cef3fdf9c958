/** One audit of the catalogue: what it is, when it runs, what proves that it ran and what proves that it works. */
export interface AuditDescription {
  /** Small letters and dashes; never reused for something else. */
  readonly id: string;
  /** Raised with every change of what it looks at or of when it fires; champions are then audited again. */
  readonly version: number;
  /** One line. */
  readonly title: string;
  readonly looksAt: 'diff' | 'files' | 'process' | 'outputs' | 'numbers';
  /**
   * `change`: on the diff, before anything runs. `trial`: by the executor and the judge in each trial. `judge`: by the task's own
   * judge, as a check of this id in its result. `experiment`: on all numbers of an experiment. `batch`: once a batch.
   */
  readonly runs: 'change' | 'trial' | 'judge' | 'experiment' | 'batch';
  /** `refuse`: no candidate is made. `suspect`: the verdict is 'suspected-hack'. `triage`: only a reason to look closer. */
  readonly weight: 'refuse' | 'suspect' | 'triage';
  /** What it costs, in words ("one read of /proc every 100 ms"). */
  readonly cost: string;
  /** What its report says when it ran and found nothing. */
  readonly heartbeat: string;
  /** Ids of exploits (src/audit/red-team/exploits) that must trip it; empty: why not is said in `cost`'s neighbour `untestedBecause`. */
  readonly canaries: readonly string[];
  /** Why no exploit can show that it works on every task. */
  readonly untestedBecause?: string;
  /** Classes of attacks that it is there for, as the literature numbers them or in words. */
  readonly against: readonly string[];
}
