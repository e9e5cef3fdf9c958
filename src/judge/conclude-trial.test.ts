import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterEach, beforeEach, expect, test } from 'vitest';
import type { TrialOutcome } from '../domain/trial.ts';
import type { AttemptEnd, PhaseEnd } from '../executor/executor.ts';
import { concludeTrial } from './conclude-trial.ts';
import type { JudgePhase, JudgeTask } from './judge-task.ts';
import { compileClaimPattern } from './read-claim.ts';

let directory: string;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'assay-conclude-'));
  mkdirSync(join(directory, 'result'));
});
afterEach(() => rmSync(directory, { recursive: true, force: true }));

const train: JudgePhase = {
  name: 'train',
  trust: 'candidate',
  command: ['x'],
  data: [],
  variables: {},
  timeoutSeconds: 60,
  budget: { limitSeconds: 10, graceSeconds: 0.5 },
};
const evaluate: JudgePhase = {
  name: 'evaluate',
  trust: 'judge',
  command: ['x', '{result}'],
  data: [],
  variables: {},
  timeoutSeconds: 30,
};
const task: JudgeTask = {
  objective: { metric: 'loss', direction: 'minimize' },
  protectedFiles: new Map(),
  isEditable: () => true,
  phases: [train, evaluate],
  resources: { memoryBytes: 1, processes: 1, outputBytes: 1 },
  seedVariable: 'SEED',
  range: { low: 0, high: 8 },
  guards: [{ metric: 'tokens', min: 100, max: 200, why: 'the same data for all' }],
  variables: {},
};
const good = { metric: 'loss', value: 2.5, metrics: { tokens: 150 }, checks: [], valid: true };

const ended = (name: string, change: Partial<PhaseEnd> = {}): PhaseEnd => ({
  name,
  reason: 'exited',
  exitCode: 0,
  wallSeconds: 5,
  outputBytes: 0,
  outputTruncated: false,
  ...(name === 'train' && { budgetSeconds: 9.5 }),
  ...change,
});

interface Situation {
  readonly phases?: readonly PhaseEnd[];
  readonly result?: unknown;
  readonly out?: string;
  readonly err?: Readonly<Record<string, string>>;
  readonly substitutes?: readonly string[];
}

function conclude({
  phases = [ended('train'), ended('evaluate')],
  result,
  out,
  err = {},
  substitutes,
}: Situation): Promise<TrialOutcome> {
  if (result !== undefined)
    writeFileSync(join(directory, 'result/result.json'), typeof result === 'string' ? result : JSON.stringify(result));
  if (out !== undefined) writeFileSync(join(directory, 'train.out'), out);
  for (const [name, text] of Object.entries(err)) writeFileSync(join(directory, `${name}.err`), text);
  const end: AttemptEnd = { kind: 'finished', slot: 3, phases, sandbox: 'bubblewrap' };
  return concludeTrial({
    task: { ...task, ...(substitutes && { substitutes }) },
    phases: task.phases,
    directory,
    end,
    claimPattern: compileClaimPattern(),
    claimTolerance: 0.01,
  });
}

test('a good end with a good result succeeds, with all that is known', async () => {
  const phases = [ended('train', { peakMemoryBytes: 7 }), ended('evaluate', { peakMemoryBytes: 5 })];
  expect(await conclude({ phases, result: good, out: 'step: 1\n---\nloss: 2.51\n' })).toEqual({
    status: 'succeeded',
    result: {
      value: 2.5,
      metrics: { tokens: 150 },
      checks: [{ id: 'claim-vs-result', ok: true, detail: 'the candidate claims loss 2.51, the judge measured 2.5' }],
    },
    facts: {
      wallSeconds: 10,
      budgetSeconds: 9.5,
      peakMemoryBytes: 7,
      slot: 3,
      sandbox: 'bubblewrap',
      phases: { train: 5, evaluate: 5 },
      claim: { loss: 2.51 },
    },
  });
});

test('each result names the substitutes', async () => {
  const outcome = await conclude({ result: good, substitutes: ['kernels'] });
  expect(outcome).toMatchObject({
    result: { checks: [{ id: 'substitutes', ok: true, detail: expect.stringContaining('stand in for kernels') }] },
  });
});

const stopped = (change: Partial<PhaseEnd>) => [ended('train', { exitCode: undefined as never, ...change })];
const judged = (change: Partial<PhaseEnd>) => [ended('train'), ended('evaluate', change)];
const refusal = {
  valid: false,
  failure: 'invalid-metric',
  reason: 'sees the future',
  checks: [{ id: 'causality', ok: false, detail: 'd' }],
  suspected: true,
};

const FAILURES: [string, Situation, { failure: string; words: string; suspected?: true }][] = [
  [
    'a timeout',
    { phases: stopped({ reason: 'timeout', wallSeconds: 60.2 }) },
    { failure: 'timeout', words: "phase 'train' was ended after 60.2 s; its limit is 60 s" },
  ],
  [
    'over its budget',
    { phases: stopped({ reason: 'over-budget', budgetSeconds: 10.51 }) },
    { failure: 'timeout', words: '10.51 s of its budget of 10 s' },
  ],
  [
    'over its budget, but not killed',
    { phases: [ended('train', { budgetSeconds: 10.6 }), ended('evaluate')], result: good },
    { failure: 'timeout', words: '10.6 s of its budget' },
  ],
  [
    'a clock that never started',
    { phases: [ended('train', { budgetSeconds: undefined as never }), ended('evaluate')], result: good },
    { failure: 'crash', words: 'clock had started' },
  ],
  [
    'out of memory',
    { phases: stopped({ reason: 'out-of-memory', peakMemoryBytes: 2 ** 30 }) },
    { failure: 'out-of-memory', words: 'at 1024 MiB' },
  ],
  ['a signal', { phases: stopped({ reason: 'signalled', signal: 'SIGSEGV' }) }, { failure: 'crash', words: 'SIGSEGV' }],
  [
    'too much on disk',
    { phases: stopped({ reason: 'over-disk', detail: 'It kept 9.0 MiB.' }) },
    { failure: 'output-limit', words: '9.0 MiB' },
  ],
  [
    'a file too large',
    { phases: stopped({ reason: 'signalled', signal: 'SIGXFSZ' }) },
    { failure: 'output-limit', words: 'larger file' },
  ],
  [
    'an exit code',
    { phases: [ended('train', { exitCode: 3 })], err: { train: 'a\n\u001b[31mValueError: no\u0007\n\n' } },
    { failure: 'crash', words: 'exit code 3:\na\nValueError: no' },
  ],
  [
    'a machine that could not start it',
    { phases: stopped({ reason: 'not-started', detail: 'no bwrap' }) },
    { failure: 'lost', words: 'no bwrap' },
  ],
  [
    'a full disk',
    { phases: stopped({ reason: 'not-started', detail: 'ENOSPC: no space' }) },
    { failure: 'disk-full', words: 'ENOSPC' },
  ],
  [
    'a phase that is not there',
    { phases: [ended('train')], result: good },
    { failure: 'crash', words: "'evaluate' did not run" },
  ],
  [
    'a judge that crashed',
    { phases: judged({ exitCode: 2 }), err: { evaluate: 'bug' } },
    { failure: 'crash', words: "the judge failed: phase 'evaluate' ended with exit code 2:\nbug" },
  ],
  [
    'a judge that crashed after a good result',
    { phases: judged({ exitCode: 2 }), result: good },
    { failure: 'crash', words: 'the judge failed' },
  ],
  [
    'a judge that crashed after a refusal',
    { phases: judged({ exitCode: 2 }), result: refusal },
    { failure: 'invalid-metric', words: 'sees the future', suspected: true },
  ],
  [
    'a judge that was too slow',
    { phases: judged({ reason: 'timeout', wallSeconds: 30 }) },
    { failure: 'timeout', words: 'the judge failed' },
  ],
  [
    'a candidate that crashed beside a good result',
    { phases: [ended('train', { exitCode: 1 })], result: good },
    { failure: 'crash', words: 'exit code 1' },
  ],
  ['a refusal', { result: refusal }, { failure: 'invalid-metric', words: 'sees the future', suspected: true }],
  [
    'a refusal without suspicion',
    { result: { valid: false, failure: 'crash', reason: 'host gone', checks: [] } },
    { failure: 'crash', words: 'host gone' },
  ],
  ['no result', {}, { failure: 'invalid-metric', words: 'no result was written' }],
  ['NaN', { result: '{"valid":true,"metric":"loss","value":NaN}' }, { failure: 'invalid-metric', words: 'JSON' }],
  [
    'another metric',
    { result: { ...good, metric: 'accuracy' } },
    { failure: 'invalid-metric', words: "measured 'accuracy', the task asks for 'loss'" },
  ],
  ['a value too low to be true', { result: { ...good, value: -0.1 } }, { failure: 'invalid-metric', words: 'below 0' }],
  ['a value too high to be true', { result: { ...good, value: 9 } }, { failure: 'invalid-metric', words: 'above 8' }],
  [
    'a guard below',
    { result: { ...good, metrics: { tokens: 99 } } },
    { failure: 'invalid-metric', words: 'guard on tokens is broken: 99 is below 100 (the same data for all)' },
  ],
  [
    'a guard above',
    { result: { ...good, metrics: { tokens: 201 } } },
    { failure: 'invalid-metric', words: 'guard on tokens' },
  ],
  [
    'a guard that was not measured',
    { result: { ...good, metrics: {} } },
    { failure: 'invalid-metric', words: 'not measured' },
  ],
];

test.each(FAILURES)('%s is a failure', async (_, situation, { failure, words, suspected }) => {
  const outcome = await conclude(situation);
  if (outcome.status !== 'failed') throw new Error(outcome.status);
  expect(outcome.failure).toBe(failure);
  expect(outcome.reason).toContain(words);
  expect(outcome.suspected).toBe(suspected);
  expect(outcome.facts.slot).toBe(3);
});

test('a lost attempt is lost, a cancelled one is cancelled', async () => {
  const lost = {
    task,
    phases: task.phases,
    directory,
    end: { kind: 'lost', detail: 'gone' },
    claimPattern: compileClaimPattern(),
    claimTolerance: 0.01,
  } as const;
  expect(await concludeTrial(lost)).toEqual({ status: 'failed', failure: 'lost', reason: 'gone', facts: {} });
  expect(await conclude({ phases: stopped({ reason: 'cancelled' }) })).toMatchObject({
    status: 'cancelled',
    reason: "cancelled in phase 'train'",
  });
});

test('a claim that differs, or is made twice, is noted and changes nothing', async () => {
  const outcome = await conclude({
    result: good,
    out: 'loss: 2.5\n---\nloss: 1.0\nnote: abc\nbad: NaN\nhuge: 1e999\n',
  });
  if (outcome.status !== 'succeeded') throw new Error(outcome.reason);
  expect(outcome.facts.claim).toEqual({ loss: 1 });
  expect(outcome.result.checks.map(({ id, ok }) => [id, ok])).toEqual([
    ['claim-vs-result', false],
    ['claim.doubled', false],
  ]);
  expect(outcome.result.value).toBe(2.5);
});

test('what a candidate printed is not read through a link', async () => {
  writeFileSync(join(directory, 'secret'), 'loss: 1\n');
  symlinkSync(join(directory, 'secret'), join(directory, 'train.out'));
  expect((await conclude({ result: good })).facts.claim).toBeUndefined();
});

test('hostile output never makes it throw, and is bounded', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.string({ unit: 'binary', maxLength: 400 }),
      fc.uint8Array({ maxLength: 100 }),
      async (text, bytes) => {
        const filler = `---\n__proto__: 1\nconstructor: 2\n${'x'.repeat(3000)}\n`;
        const failed = await conclude({
          phases: [ended('train', { exitCode: 1 })],
          out: filler + text,
          err: { train: filler.repeat(9) + text },
        });
        expect(failed.status === 'failed' && failed.reason.length).toBeLessThan(2500);
        expect(failed.status === 'failed' && /[\p{Cc}\u202e]/u.test(failed.reason.replaceAll('\n', ''))).toBe(false);
        const judgedResult = await conclude({ out: text, result: Buffer.from(bytes).toString('latin1') });
        expect(judgedResult.status).toBe('failed');
      },
    ),
    { numRuns: 100 },
  );
});
