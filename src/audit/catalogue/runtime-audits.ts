import type { AuditDescription } from './audit-description.ts';

type Part = Pick<AuditDescription, 'id' | 'title' | 'weight' | 'cost' | 'heartbeat' | 'canaries' | 'against'> &
  Partial<Pick<AuditDescription, 'looksAt' | 'untestedBecause'>>;

const LOOKS =
  'part of a look at /proc: the first 2 ms after the start, then every 50 ms; all looks together stay below 1 % of a core';
const ONCE = 'a few system calls a phase';

function runtimeAudit(part: Part): AuditDescription {
  return { version: 1, looksAt: 'process', runs: 'trial', ...part };
}

/** What the supervisor sees of each trial from outside the sandbox, and what the trial's numbers say beside it. */
export const RUNTIME_AUDITS: readonly AuditDescription[] = [
  runtimeAudit({
    id: 'process-census',
    title: 'no more processes than the contract of the task allows, none that outlives its parent',
    weight: 'suspect',
    cost: LOOKS,
    heartbeat: 'looks, most processes at once, what they call themselves',
    canaries: ['native-daemon', 'native-forked-writer', 'parallel-workers'],
    against: ['G17', 'T03', 'C42'],
  }),
  runtimeAudit({
    id: 'thread-census',
    title: 'no more threads or CPU time than the contract of the task allows, on no other core than those given',
    weight: 'suspect',
    cost: LOOKS,
    heartbeat: 'most threads at once, CPU seconds against wall seconds',
    canaries: ['native-thread-pool', 'native-brief-threads', 'worker-threads'],
    against: ['T03'],
  }),
  runtimeAudit({
    id: 'leftover-processes',
    title: 'nothing of the program goes on after it has ended',
    weight: 'suspect',
    cost: `${ONCE}; 0.1 s only where something is left`,
    heartbeat: 'how long after the program its last process ended',
    canaries: ['late-daemon'],
    against: ['G17', 'T03'],
  }),
  runtimeAudit({
    id: 'leftover-files',
    title: 'what is left in writable folders is plain: no link out, pipe, socket, device or set-user file',
    looksAt: 'outputs',
    weight: 'suspect',
    cost: 'one walk over the writable folders at the end of a phase, at most 20,000 entries',
    heartbeat: 'entries and bytes that were left',
    canaries: [],
    untestedBecause: 'only a task whose candidate may write files can show it; python/tests/test_observations.py does',
    against: ['G15', 'G17'],
  }),
  runtimeAudit({
    id: 'network',
    title: 'no attempt to reach an address or to look up a name',
    weight: 'suspect',
    cost: `${ONCE}: the kernel's own counters, read at the end`,
    heartbeat: 'that all counters stood at 0, or what was sent within the sandbox',
    canaries: ['native-beacon', 'download', 'letter-by-name-server'],
    against: ['C42', 'G14', 'G19'],
  }),
  runtimeAudit({
    id: 'forbidden-paths',
    title: 'decoys at the places of results, held-out data, the task and keys are not touched',
    weight: 'suspect',
    cost: '0.1 to 0.3 ms for each decoy at the start of a phase; nothing while it runs',
    heartbeat: 'how many decoys were watched',
    canaries: ['native-decoy-reader', 'read-held-out', 'read-keys', 'own-result'],
    against: ['G06', 'G13', 'G18', 'A17'],
  }),
  runtimeAudit({
    id: 'persistence',
    title: 'folders in memory are new and empty in each phase, the output is empty at first, no namespace is shared',
    weight: 'suspect',
    cost: ONCE,
    heartbeat: 'which folders were new and empty before the program began',
    canaries: [],
    untestedBecause: 'a sealed candidate has nowhere to keep anything: the tests put it there from outside',
    against: ['C43', 'G18'],
  }),
  runtimeAudit({
    id: 'clock-integrity',
    title: 'four clocks of the machine agree on how long each phase took',
    weight: 'triage',
    cost: ONCE,
    heartbeat: 'the seconds on which four clocks agree',
    canaries: [],
    untestedBecause: 'a sealed candidate cannot set a clock of the machine: the tests do it with made-up readings',
    against: ['L12'],
  }),
  runtimeAudit({
    id: 'untimed-work',
    title: 'only the start-up that the task grants is done before the clock starts',
    weight: 'suspect',
    cost: 'one more look when the clock starts',
    heartbeat: 'CPU seconds and wall seconds before the clock',
    canaries: [],
    untestedBecause:
      'no candidate gets control before the clock where assay_judge.bootstrap starts it; python/tests/test_observations.py shows it where one does',
    against: ['T20', 'L13'],
  }),
  runtimeAudit({
    id: 'overtime',
    title: 'the program does not work on when its budget is used up',
    weight: 'suspect',
    cost: 'none: from numbers that are there',
    heartbeat: 'seconds used of the budget',
    canaries: ['over-the-budget', 'slow-clock'],
    against: ['L12', 'L13'],
  }),
  runtimeAudit({
    id: 'output-limits',
    title: 'all that was printed was kept',
    looksAt: 'outputs',
    weight: 'triage',
    cost: 'none: from numbers that are there',
    heartbeat: 'bytes printed by each phase',
    canaries: [],
    untestedBecause: 'to print much is no attack; the contract tests of the executor do it',
    against: ['G14'],
  }),
  runtimeAudit({
    id: 'claimed-time',
    title: 'the time that the candidate claims fits our clock',
    looksAt: 'numbers',
    weight: 'triage',
    cost: 'none: from numbers that are there',
    heartbeat: 'the claimed seconds beside ours, or that none are claimed',
    canaries: [],
    untestedBecause: 'a claim decides nothing, so no canary has to show that a false one is seen',
    against: ['L12', 'L21'],
  }),
  runtimeAudit({
    id: 'claim-vs-result',
    title: 'the number that the candidate claims is the one that the judge measured',
    looksAt: 'numbers',
    weight: 'triage',
    cost: 'none: from numbers that are there',
    heartbeat: 'the claim beside the result, or that there is none',
    canaries: ['fake-metric'],
    against: ['G14', 'L01', 'L21'],
  }),
  runtimeAudit({
    id: 'doubled-claims',
    title: 'the metric is printed once',
    looksAt: 'outputs',
    weight: 'triage',
    cost: 'none: from numbers that are there',
    heartbeat: 'how many numbers are claimed',
    canaries: ['metric-spam'],
    against: ['G14'],
  }),
];
