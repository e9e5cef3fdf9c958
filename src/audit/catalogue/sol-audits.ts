import type { AuditDescription } from './audit-description.ts';

/** Checks of sol_judge.py, for problems of SOL-ExecBench; docs/architecture/adapters.md says how they work. */
export const SOL_AUDITS: readonly AuditDescription[] = [
  {
    id: 'sol-sources',
    version: 1,
    title: "no source of a solution covers a file of the benchmark's or a module, and none is a link",
    looksAt: 'files',
    runs: 'judge',
    // A name such as types.py is an honest mistake; where no honest use is thinkable, the result says that it is suspected.
    weight: 'triage',
    cost: 'one look at each source',
    heartbeat: 'how many sources there are, and which files are part of nothing',
    canaries: [],
    against: ['G03'],
  },
  {
    id: 'sol-official',
    version: 1,
    title: "what stands for the official command's traces can come from it",
    looksAt: 'outputs',
    runs: 'judge',
    weight: 'suspect',
    cost: 'one read of a small file',
    heartbeat: 'how many workloads have which status, or why the command did not run',
    canaries: [],
    untestedBecause: 'it needs the official command and a GPU; tests of the reader have a program in its place',
    against: ['G02', 'G14'],
  },
];
