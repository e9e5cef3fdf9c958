import { describe, expect, test } from 'vitest';
import type { AuditReport } from '../../domain/audit.ts';
import type { TrialOutcome } from '../../domain/trial.ts';
import type { Census, MemberObservations, PhaseObservations } from '../../executor/observations.ts';
import { RUNTIME_AUDITS } from '../catalogue/runtime-audits.ts';
import { auditTrial, expectedRuntimeAudits, runtimeAuditsOutOfReach } from './audit-trial.ts';
import type { AuditedTrial } from './audited-trial.ts';
import { PHASES, SUCCEEDED, endOf, judgedEnd, seenMember, seenPhase, trialOf, without } from './observed.fixture.ts';

const SEALED = { sandbox: 'bubblewrap', phases: PHASES, os: 'linux' } as const;

function reportOn(audit: string, trial: AuditedTrial): AuditReport | undefined {
  return auditTrial(trial).find((one) => one.audit === audit);
}

function finding(audit: string, trial: AuditedTrial): string | undefined {
  return reportOn(audit, trial)?.finding;
}

/** A trial whose training was seen like this. */
function seen(member: Partial<MemberObservations>, phase: Partial<PhaseObservations> = {}): AuditedTrial {
  const observations = seenPhase({ main: seenMember(member), ...phase });
  return trialOf({ ends: [endOf('train', { observations }), judgedEnd()] });
}

function census(changes: Partial<Census>): AuditedTrial {
  return seen({ census: { ...seenMember().census, ...changes } });
}

function claiming(claim: Record<string, number>): TrialOutcome {
  return { ...SUCCEEDED, facts: { claim } };
}

describe('an honest trial', () => {
  const reports = auditTrial(trialOf());

  test('passes every audit, once, and each says what it looked at', () => {
    expect(reports.filter((report) => report.finding !== 'passed')).toEqual([]);
    expect(reports.map((report) => report.audit).toSorted()).toEqual(expectedRuntimeAudits(SEALED).toSorted());
    for (const { detail } of reports) expect(detail).toMatch(/\d|nothing|no time|no packet|new and empty/);
  });

  test('is seen by all audits of the catalogue', () => {
    expect(RUNTIME_AUDITS.map(({ id }) => id).toSorted()).toEqual(expectedRuntimeAudits(SEALED).toSorted());
    for (const { audit, version } of reports)
      expect(version).toBe(RUNTIME_AUDITS.find(({ id }) => id === audit)?.version);
  });
});

describe('silence', () => {
  test('of a supervisor that observed nothing is silence of the audits', () => {
    const blind = without(endOf('train'), 'observations');
    const said = auditTrial(trialOf({ ends: [blind, judgedEnd()] })).map((report) => report.audit);
    expect(said.toSorted()).toEqual(['claim-vs-result', 'claimed-time', 'doubled-claims', 'output-limits']);
  });

  test.each([
    ['network', 'network'],
    ['tripwires', 'forbidden-paths'],
    ['fresh', 'persistence'],
    ['leftoverProcesses', 'leftover-processes'],
  ] as const)('about %s is heard as silence of %s and of nothing else', (part, audit) => {
    const member = without(seenMember(), part);
    const trial = trialOf({ ends: [endOf('train', { observations: seenPhase({ main: member }) }), judgedEnd()] });
    const said = new Set(auditTrial(trial).map((report) => report.audit));
    expect(expectedRuntimeAudits(SEALED).filter((id) => !said.has(id))).toEqual([audit]);
  });

  test('about one process is not made good by what was seen of another', () => {
    const peer = without(seenMember(), 'network');
    const end = judgedEnd();
    const blind = { ...end, observations: { ...end.observations!, peer } };
    expect(finding('network', trialOf({ ends: [endOf('train'), blind] }))).toBeUndefined();
  });

  test('of looks that never found a program that ran for seconds', () => {
    const never = { samples: 0, cpuSeconds: 0.02, wallSeconds: 0.3 };
    expect(finding('process-census', seen({ census: never }))).toBe('passed');
    expect(finding('process-census', seen({ census: { ...never, wallSeconds: 2 } }))).toBeUndefined();
    expect(finding('process-census', seen({ census: { ...never, cpuSeconds: 0.2 } }))).toBeUndefined();
  });

  test('of decoys that are not there', () => {
    expect(finding('forbidden-paths', seen({ tripwires: { decoys: 0, touched: [] } }))).toBeUndefined();
  });

  test('of a clock that was never started', () => {
    const phase = without(seenPhase(), 'ready');
    const trial = trialOf({ ends: [endOf('train', { observations: phase }), judgedEnd()] });
    expect([finding('untimed-work', trial), finding('overtime', trial)]).toEqual([undefined, undefined]);
  });

  test('of everything when the attempt was lost', () => {
    expect(auditTrial(trialOf({ end: { kind: 'lost', detail: 'gone' } }))).toEqual([]);
  });
});

describe('processes and threads', () => {
  test('are only counted where the contract says nothing', () => {
    expect(finding('thread-census', census({ peakThreads: 4 }))).toBe('noted');
    expect(finding('process-census', census({ peakProcesses: 4 }))).toBe('passed');
    expect(finding('process-census', census({ peakOrphans: 1 }))).toBe('noted');
  });

  test('beyond the contract fire', () => {
    const limited = { resources: { cores: 1, threads: 1 } };
    expect(finding('thread-census', { ...census({ peakThreads: 2 }), ...limited })).toBe('fired');
    expect(finding('process-census', { ...census({ peakProcesses: 2 }), ...limited })).toBe('fired');
    expect(finding('thread-census', { ...trialOf(), ...limited })).toBe('passed');
  });

  test('of a peer count as well', () => {
    const peer = { census: { ...seenMember().census, peakThreads: 3 } };
    const trial = { ...trialOf({ ends: [endOf('train'), judgedEnd(peer)] }), resources: { cores: 1, threads: 2 } };
    expect(reportOn('thread-census', trial)).toMatchObject({ finding: 'fired', detail: /^judge \(peer\): at most 3 / });
  });

  test('that use other cores, or more CPU time than the cores can give, fire', () => {
    expect(finding('thread-census', census({ strayCores: [3] }))).toBe('fired');
    expect(finding('thread-census', census({ cpuSeconds: 3.6 }))).toBe('fired');
    expect(finding('thread-census', census({ cpuSeconds: 3.5 }))).toBe('passed');
    expect(finding('thread-census', { ...census({ cpuSeconds: 5.5, peakThreads: 2 }), resources: { cores: 2 } })).toBe(
      'passed',
    );
  });

  test('that go on after the program fire, but not those of a program that we ended', () => {
    const left = { leftoverProcesses: { count: 2, names: ['sleep'], seconds: 0.1 } };
    expect(reportOn('leftover-processes', seen(left))).toMatchObject({
      finding: 'fired',
      detail: /2 processes \(sleep\)/,
    });
    const ended = { ...trialOf({ ends: [endOf('train', { reason: 'timeout' })] }) };
    expect(finding('leftover-processes', ended)).toBeUndefined();
  });
});

describe('places', () => {
  const files = (kinds: object, rest: object = {}): AuditedTrial =>
    seen({}, { leftoverFiles: { entries: 2, bytes: 0, kinds, names: [], unusual: ['x (pipe)'], ...rest } });

  test.each(['link-out', 'pipe', 'socket', 'device', 'set-user'])('a left %s fires', (kind) => {
    expect(finding('leftover-files', files({ file: 1, [kind]: 1 }))).toBe('fired');
  });

  test('a left link inside passes, what is odd or too much is noted', () => {
    expect(finding('leftover-files', files({ file: 3, folder: 1, link: 1 }))).toBe('passed');
    expect(finding('leftover-files', files({ 'hard-link': 2 }))).toBe('noted');
    expect(finding('leftover-files', files({ file: 20_000 }, { cut: true }))).toBe('noted');
  });

  test('what a peer leaves in a folder that it shares with the judge counts', () => {
    const end = judgedEnd();
    const leftoverFiles = { entries: 1, bytes: 0, kinds: { pipe: 1 }, names: ['p'], unusual: ['p (pipe)'] };
    const trial = trialOf({
      ends: [endOf('train'), { ...end, observations: { ...end.observations!, leftoverFiles } }],
    });
    expect(reportOn('leftover-files', trial)).toMatchObject({ finding: 'fired', detail: /^judge: / });
  });

  test.each(['noRoute', 'tcpRefused', 'udpRefused'])('network: %s fires', (name) => {
    expect(finding('network', seen({ network: { ...seenMember().network!, [name]: 1 } }))).toBe('fired');
  });

  test('network: talk within the sandbox is noted', () => {
    const network = { ...seenMember().network!, tcpConnects: 1, tcpAccepted: 1, udpSent: 2 };
    expect(finding('network', seen({ network }))).toBe('noted');
  });

  test('a touched decoy fires and is named; so does what could not be counted', () => {
    const touched = [{ target: '/result/result.json', firstAt: 1.25, opens: 2, writes: 1 }];
    expect(
      reportOn('forbidden-paths', seen({ tripwires: { decoys: 6, touched, leaks: ['/task/task.yaml'] } })),
    ).toEqual({
      audit: 'forbidden-paths',
      version: 1,
      finding: 'fired',
      detail:
        'train: /result/result.json at 1.25 s (opened 2 times, written to 1 times); copies of /task/task.yaml in what it left; ' +
        'judge (peer): 6 decoys, none touched',
    });
    expect(finding('forbidden-paths', seen({ tripwires: { decoys: 6, touched: [], overflowed: true } }))).toBe('fired');
  });

  test('what is not fresh fires', () => {
    const { fresh } = seenMember();
    const not = (changes: object): AuditedTrial => seen({ fresh: { ...fresh!, ...changes } });
    expect(finding('persistence', not({ entries: { ...fresh!.entries, '/dev/shm': 1 } }))).toBe('fired');
    expect(finding('persistence', not({ entries: { ...fresh!.entries, '/output': 1 } }))).toBe('fired');
    expect(finding('persistence', not({ stale: ['/tmp'] }))).toBe('fired');
    expect(finding('persistence', not({ sharedNamespaces: ['net'] }))).toBe('fired');
    expect(finding('persistence', not({ entries: { '/tmp': 0 } }))).toBeUndefined();
  });

  test('the output of an earlier phase may be there in a later one', () => {
    const later = seenMember({
      fresh: { entries: { '/tmp': 0, '/dev/shm': 0, '/output': 3 }, stale: [], sharedNamespaces: [] },
    });
    const phases = [PHASES[0], { name: 'pack', trust: 'candidate' }] as const;
    const ends = [endOf('train'), endOf('pack', { observations: seenPhase({ main: later }) })];
    expect(finding('persistence', trialOf({ phases, ends }))).toBe('passed');
  });
});

describe('time', () => {
  test.each([
    ['realtime', 'noted'],
    ['boottime', 'noted'],
    ['raw', 'fired'],
  ])('a clock that disagrees: %s is %s', (clock, expected) => {
    const clocks = { ...seenPhase().clocks, [clock]: 3.2 };
    expect(finding('clock-integrity', seen({}, { clocks }))).toBe(expected);
    expect(finding('clock-integrity', seen({}, { clocks: { ...seenPhase().clocks, [clock]: 3.05 } }))).toBe('passed');
    expect(finding('clock-integrity', seen({}, { clocks: { ...seenPhase().clocks, [clock]: Number.NaN } }))).toBe(
      expected,
    );
  });

  test('work before the clock fires above what the task grants', () => {
    const ready = { wallSeconds: 7, cpuSeconds: 5.1, processes: 1, threads: 1 };
    expect(finding('untimed-work', seen({}, { ready }))).toBe('fired');
    const phases = [{ ...PHASES[0], budget: { limitSeconds: 2, graceSeconds: 1 } }, PHASES[1]];
    expect(finding('untimed-work', { ...seen({}, { ready }), phases })).toBe('passed');
    expect(finding('untimed-work', seen({}, { ready: { ...ready, cpuSeconds: 1, processes: 2 } }))).toBe('noted');
  });

  /** Seconds on the judge's clock, seconds on a core after the clock had started. */
  function late(budgetSeconds: number, worked: number, changes: object = {}): AuditedTrial {
    const main = seenMember({ census: { ...seenMember().census, cpuSeconds: 0.95 + worked } });
    const observations = seenPhase({ main });
    return trialOf({ ends: [endOf('train', { budgetSeconds, observations, ...changes }), judgedEnd()] });
  }

  test('work after the limit fires; a late end on a busy machine does not', () => {
    expect(finding('overtime', late(2.25, 2.25))).toBe('passed');
    expect(finding('overtime', late(2.5, 2.45))).toBe('fired');
    // As the busiest of 849 honest trials: 2.499 s of a budget of 2 s.
    expect(finding('overtime', late(2.499, 1.93))).toBe('noted');
    expect(finding('overtime', late(2.9, 2.2))).toBe('noted');
  });

  test('work after the limit fires, also where the machine was busy before it', () => {
    const limited = (cpuAtLimit: number): AuditedTrial => {
      const main = seenMember({ census: { ...seenMember().census, cpuSeconds: 1.9 } });
      const limit = { readySeconds: 2, cpuSeconds: cpuAtLimit };
      const observations = seenPhase({ main, limit });
      return trialOf({ ends: [endOf('train', { budgetSeconds: 2.9, observations }), judgedEnd()] });
    };
    expect(finding('overtime', limited(1.8))).toBe('noted');
    expect(finding('overtime', limited(1.3))).toBe('fired');
  });

  test('what we ended is no more than too slow', () => {
    expect(finding('overtime', late(3, 3, { reason: 'over-budget' }))).toBe('noted');
  });

  test('processes that wait for each other excuse nothing', () => {
    const main = seenMember({
      census: { ...seenMember().census, cpuSeconds: 3.4, peakProcesses: 2, peakThreads: 2, waitedSeconds: 2.4 },
    });
    const observations = seenPhase({ main });
    const trial = trialOf({ ends: [endOf('train', { budgetSeconds: 2.5, observations }), judgedEnd()] });
    expect(finding('overtime', trial)).toBe('fired');
  });
});

describe('claims', () => {
  test('about time: more than passed fires, far less is noted', () => {
    expect(finding('claimed-time', trialOf({ outcome: claiming({ total_seconds: 1.9 }) }))).toBe('passed');
    expect(finding('claimed-time', trialOf({ outcome: claiming({ training_seconds: 3.3 }) }))).toBe('fired');
    expect(finding('claimed-time', trialOf({ outcome: claiming({ seconds: 0.5 }) }))).toBe('noted');
    expect(reportOn('claimed-time', trialOf({ outcome: claiming({ steps: 79 }) }))?.detail).toContain('claims no time');
  });

  test('about the metric are taken from the checks of the judge', () => {
    const checked = (id: string, ok: boolean): AuditedTrial =>
      trialOf({
        outcome: {
          ...claiming({ loss: 1 }),
          status: 'succeeded',
          result: { value: 3.2, metrics: {}, checks: [{ id, ok, detail: 'said' }] },
        },
      });
    expect(finding('claim-vs-result', checked('claim-vs-result', true))).toBe('passed');
    expect(reportOn('claim-vs-result', checked('claim-vs-result', false))).toMatchObject({
      finding: 'fired',
      detail: 'said',
    });
    expect(finding('doubled-claims', checked('claim.doubled', false))).toBe('fired');
    expect(finding('doubled-claims', checked('claim-vs-result', true))).toBe('passed');
  });

  test('have nothing to be compared with when there is no result', () => {
    const outcome: TrialOutcome = { status: 'failed', failure: 'crash', reason: 'x', facts: {} };
    expect(finding('claim-vs-result', trialOf({ outcome }))).toBeUndefined();
  });

  test('output that was cut is noted', () => {
    const ends = [endOf('train', { outputTruncated: true }), judgedEnd()];
    expect(finding('output-limits', trialOf({ ends }))).toBe('noted');
  });
});

describe('what must report', () => {
  test('depends on the sandbox and the system, and what is missing is named', () => {
    expect(expectedRuntimeAudits({ ...SEALED, sandbox: 'process' })).not.toContain('network');
    expect(runtimeAuditsOutOfReach({ ...SEALED, sandbox: 'process' })).toEqual([
      'network',
      'forbidden-paths',
      'persistence',
    ]);
    expect(expectedRuntimeAudits({ ...SEALED, os: 'darwin' })).toEqual([
      'output-limits',
      'claimed-time',
      'claim-vs-result',
      'doubled-claims',
    ]);
    expect(runtimeAuditsOutOfReach(SEALED)).toEqual([]);
  });

  test('depends on what runs: a judge alone has nothing to hide', () => {
    const phases = [{ name: 'measure', trust: 'judge' }] as const;
    expect(expectedRuntimeAudits({ ...SEALED, phases })).toEqual(['clock-integrity']);
    const reports = auditTrial(trialOf({ phases, ends: [endOf('measure')] }));
    expect(reports.map((report) => report.audit)).toEqual(['clock-integrity']);
  });

  test('reports in the weak sandbox as well', () => {
    const weak = without(seenMember(), 'network', 'tripwires', 'fresh');
    const phases = [PHASES[0]] as const;
    const trial = trialOf({ phases, ends: [endOf('train', { observations: seenPhase({ main: weak }) })] });
    const said = auditTrial({ ...trial, end: { ...trial.end, sandbox: 'process' } as AuditedTrial['end'] });
    const expected = expectedRuntimeAudits({ sandbox: 'process', phases, os: 'linux' });
    expect(said.map((report) => report.audit).toSorted()).toEqual(expected.toSorted());
  });
});
