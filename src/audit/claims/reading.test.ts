import { expect, test } from 'vitest';
import { UserError } from '../../errors.ts';
import { readAutoresearchLog } from './autoresearch-log.ts';
import { checkClaim } from './check-claim.ts';
import { type LogClaim, claimFromLogs } from './claim-from-logs.ts';
import { readClaimFile } from './read-claim-file.ts';
import { readSpeedrunLog } from './speedrun-log.ts';

const LINE = '='.repeat(100);
const SOURCE =
  'print0(f"step:{step}/{total} val_loss:{val_loss:.4f}")\n# step:9/9 val_loss:1.0000\nstep:9/9 val_loss:oops';

function track1Log(loss: string, time = '77933ms', end = '\n'): string {
  return [
    SOURCE,
    LINE,
    'Running Python 3.12.7',
    LINE,
    'step:0/1398 val_loss:10.8285 train_time:0ms step_avg:0.04ms',
    'step:1250/1398 val_loss:3.3358 train_time:65825ms step_avg:52.66ms',
    'step:1398/1398 train_time:77920ms step_avg:55.74ms',
    `step:1398/1398 val_loss:${loss} train_time:${time} step_avg:55.75ms`,
    'peak memory allocated: 30166 MiB reserved: 43532 MiB',
  ].join(end);
}

function trial(loss: string, seconds: number, earlier = '3.27880'): string {
  return [
    `step:3200/3225 val_loss:${earlier} train_time:${seconds - 4}s step_avg:159.34ms`,
    `step:3225/3225 val_loss:${loss} train_time:${seconds}s step_avg:159.33ms\n`,
  ].join('\n');
}

function block(bpb: string, seconds = '300.1'): string {
  return `step 00952 (99.9%) | loss: 2.9\r\n---\nval_bpb:          ${bpb}\ntraining_seconds: ${seconds}\ntotal_seconds:    325.9\n`;
}

const logs = (prefix: string, texts: readonly string[]): LogClaim['logs'] =>
  texts.map((text, index) => ({ name: `${prefix}${index}.txt`, text }));
const given = (mine: readonly string[], against: readonly string[] = [], more: Partial<LogClaim> = {}): LogClaim => ({
  logs: logs('a', mine),
  against: logs('b', against),
  sameHardware: true,
  paired: false,
  ...more,
});

test('a log of track 1 is read after its source, in seconds', () => {
  const run = { totalSteps: 1398, steps: 1398, loss: 3.2791, seconds: 77.933 };
  expect(readSpeedrunLog(track1Log('3.2791'), 1).runs).toMatchObject([run]);
  expect(readSpeedrunLog(track1Log('3.2791', '77933ms', '\r\n'), 1).runs).toMatchObject([run]);
});

test.each([
  [
    'a doubled result',
    `${track1Log('3.2791')}\nstep:1398/1398 val_loss:3.2600 train_time:77933ms step_avg:55.75ms`,
    'validated 2 times',
  ],
  ['two runs', `${track1Log('3.2791')}\n${track1Log('3.2601')}`, "can't be read"],
  [
    'two runs without their source',
    `${trial('3.2', 9)}${trial('3.3', 9)}`.replaceAll(/(\d)s /g, '$1ms '),
    'more than one run',
  ],
  ['a diverged run', track1Log('nan'), "'nan'"],
  ['text for a loss', track1Log('3.27x1'), "'3.27x1'"],
  ['text for a time', track1Log('3.2791', 'fastms'), "'fast'"],
  ['seconds', track1Log('3.2791', '77.933s'), 'the other track'],
  ['a crash', track1Log('3.2791').replace(/step:1398\/1398 val.*\n.*$/, 'CUDA error'), 'did not finish'],
  ['nothing', 'no log', 'no line'],
])('a log of track 1 with %s is refused', (_what, text, problem) => {
  expect(readSpeedrunLog(text, 1).problem).toContain(problem);
});

test('a log of track 3 may hold several trials, read at one common step', () => {
  const text = `${LINE}\nRunning\n${LINE}\n${trial('3.27807', 513.83)}${trial('3.28000', 566.69, '3.28074')}`;
  expect(readSpeedrunLog(text, 3).runs?.map(({ loss, seconds }) => [loss, seconds])).toEqual([
    [3.27807, 513.83],
    [3.28, 566.69],
  ]);
  expect(readSpeedrunLog(text, 3, 3200).runs?.map(({ loss, steps }) => [loss, steps])).toEqual([
    [3.2788, 3200],
    [3.28074, 3200],
  ]);
  expect(readSpeedrunLog(text, 3, 3100).problem).toContain('step 3100');
});

test('the logs of a claim are all counted, each once', () => {
  const mine = [track1Log('3.2771', '77100ms'), track1Log('3.2773', '77300ms'), track1Log('3.2772', '77200ms')];
  const base = [track1Log('3.2781', '80100ms'), track1Log('3.2783', '80300ms'), track1Log('3.2782', '80200ms')];
  const { claim } = claimFromLogs('speedrun-track-1', given(mine, base));
  expect(claim && checkClaim(claim).outcome).toBe('accepted');
  expect(claimFromLogs('speedrun-track-1', given([...mine, track1Log('nan')])).problems).toEqual([
    expect.stringMatching(/^a3\.txt: .*'nan'/),
  ]);
  expect(claimFromLogs('speedrun-track-1', given([...mine, mine[0] ?? ''])).problems?.[0]).toBe(
    'a3.txt is the same log as a0.txt: a run counts once',
  );
  expect(claimFromLogs('speedrun-track-1', given(mine, [mine[0] ?? ''])).problems).toHaveLength(1);
  const other = (mine[0] ?? '').replaceAll('1398', '1385');
  expect(claimFromLogs('speedrun-track-1', given([...mine, other])).problems?.[0]).toContain('1398, 1385 steps');
});

test('a trial that was pasted twice into a log of track 3 is seen', () => {
  const text = trial('3.27607', 513.83) + trial('3.27607', 513.83);
  expect(claimFromLogs('speedrun-track-3', given([text])).problems).toEqual([expect.stringContaining('copies')]);
  const { claim } = claimFromLogs('speedrun-track-3', given([trial('3.27507', 513.83)], [trial('3.275', 500)]));
  expect(claim).toMatchObject({ claim: { loss: [3.27507], steps: 3225 }, predecessor: { loss: [3.275] } });
});

test('an autoresearch log is one block of one finished run', () => {
  expect(readAutoresearchLog(block('0.997900'))).toEqual({ bpb: 0.9979, trainingSeconds: 300.1 });
  const problemOf = (text: string): string | undefined => readAutoresearchLog(text).problem;
  expect(problemOf(block('0.9979') + block('0.9'))).toContain('2 result blocks');
  expect(problemOf(block('nan'))).toContain("'nan'");
  expect(problemOf(block('0.9o'))).toContain("'0.9o'");
  expect(problemOf(block(''))).toContain("''");
  expect(problemOf('step 1\nFAIL\n')).toContain('FAIL');
  expect(problemOf('step 1 | loss: 3\r')).toContain('did not finish');
  expect(problemOf(block('0.9', '900.0'))).toContain('budget');
  expect(claimFromLogs('nanochat', given([block('0.9')])).problems).toEqual([expect.stringContaining('baseline')]);
  const { claim } = claimFromLogs('nanochat', given([block('0.90'), block('0.91')], [block('0.95'), block('0.96')]));
  expect(claim).toMatchObject({ claim: { bpb: [0.9, 0.91] }, baseline: { bpb: [0.95, 0.96], sameHardware: true } });
});

function mistakeOf(text: string, contract?: 'nanochat'): UserError {
  try {
    readClaimFile('claim.yaml', text, contract);
  } catch (error) {
    if (error instanceof UserError) return error;
    throw error;
  }
  throw new Error('it was read');
}

test('a claim file may be YAML or JSON', () => {
  const yaml = 'contract: nanochat\nclaim: {bpb: [0.9]}\nbaseline: {bpb: {n: 3, mean: 0.95}, same_hardware: false}\n';
  const { claim } = readClaimFile('claim.yaml', yaml);
  expect(claim).toMatchObject({ paired: false, baseline: { bpb: { n: 3, mean: 0.95 }, sameHardware: false } });
  const json = JSON.stringify({ contract: 'speedrun-track-3', claim: { loss: [3.27], steps: 3000 } });
  expect(readClaimFile('claim.json', json).claim).toMatchObject({ claim: { loss: [3.27], steps: 3000 } });
});

test.each([
  ['contract: speedrun-track-2\n', "claim.yaml:1:11 contract: found 'speedrun-track-2'"],
  ['[]', 'claim.yaml:1:1 contract'],
  ['', 'contract'],
  ['contract: nanochat\nclaim: {bpb: [0.9]}\n', 'baseline: missing'],
  [
    'contract: speedrun-track-3\nclaim:\n  steps: 10\n  loss:\n    - 3.27\n    - three\n',
    "claim.yaml:6:7 claim.loss[1]: found 'three', expected a number",
  ],
  ['contract: speedrun-track-3\nclaim:\n  steps: 10\n  loss: [3.27, .nan]\n', 'claim.loss[1]: found'],
  [
    'contract: speedrun-track-3\nclaim:\n  steps: 10\n  loss: 3.27\n',
    'expected a list of numbers (nats per token, one a run), or {n, mean, sd}',
  ],
  ['contract: speedrun-track-3\nclaim:\n  steps: 10\n  loss: []\n', 'at least 1 entry'],
  ['contract: speedrun-track-3\nclaim:\n  steps: 10\n  loss: {n: 0, mean: 3.27}\n', 'claim.loss.n: found 0'],
  ['contract: speedrun-track-3\nclaim:\n  steps: 10\n  loss: {n: 2, mean: 3.27, std: 1}\n', "unknown key 'std'"],
  ['contract: speedrun-track-3\nclaim:\n  stepz: 10\n  loss: [3.27]\n', "Did you mean 'steps'"],
  ['contract: speedrun-track-3\nclaim: {loss: [3.27], steps: 10}\nclaim: {loss: [3.2], steps: 10}\n', 'a second time'],
])('a mistake in a claim file is named with its place: %j', (text, message) => {
  const error = mistakeOf(text);
  expect(error.code).toBe('data-claim');
  expect(error.message).toContain(message);
});

test('a claim of another contract than the one asked for is refused', () => {
  expect(mistakeOf('contract: speedrun-track-3\n', 'nanochat').message).toContain("expected 'nanochat'");
});
