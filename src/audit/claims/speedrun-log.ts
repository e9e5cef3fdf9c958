import { validationLine } from '../../task/adapters/speedrun/validation-line.ts';

/** One finished run as its log tells it. */
export interface SpeedrunRun {
  /** The last step of the schedule. */
  readonly totalSteps: number;
  /** The step at which the loss was read. */
  readonly steps: number;
  readonly loss: number;
  readonly seconds: number;
  /** All its validations: two runs never have the same times throughout. */
  readonly fingerprint: string;
}

export type SpeedrunLogReading =
  | { readonly runs: readonly SpeedrunRun[]; readonly problem?: undefined }
  | { readonly runs?: undefined; readonly problem: string };

const LINE = new RegExp(validationLine(String.raw`\S+?`, '(?<unit>ms|s)'));
const LOOKS_LIKE_A_LINE = /^step:\S* val_loss:/;
const SEPARATOR = /^={20,}\s*$/;
const DECIMAL = /^\d+(?:\.\d+)?$/;

interface Validation {
  readonly step: number;
  readonly total: number;
  readonly loss: string;
  readonly time: string;
  readonly unit: string;
  readonly line: string;
}

/**
 * Reads a log of modded-nanogpt: the program's source, a line of `=`, the machine, a line of `=`, and then
 * `step:1390/1390 val_loss:3.2775 train_time:79532ms step_avg:57.22ms`. Track 1 times in ms and has one run a log; track 3 times in s, and a
 * log may hold several trials, each of which begins again at a smaller step.
 *
 * @param stopStep track 3 only: the step at which all runs are read; undefined: the last one of the schedule.
 */
export function readSpeedrunLog(text: string, track: 1 | 3, stopStep?: number): SpeedrunLogReading {
  const validations: Validation[] = [];
  for (const line of outputLines(text)) {
    if (!LOOKS_LIKE_A_LINE.test(line)) continue;
    const match = LINE.exec(line);
    if (match === null) return { problem: `the line '${line.trim().slice(0, 100)}' can't be read` };
    const { step, total, val_loss: loss = '', time = '', unit = '' } = match.groups ?? {};
    validations.push({ step: Number(step), total: Number(total), loss, time, unit, line: line.trim() });
  }
  const last = validations.at(-1);
  if (last === undefined) return { problem: 'it holds no line with a validation loss' };
  const expectedUnit = track === 1 ? 'ms' : 's';
  if (last.unit !== expectedUnit)
    return {
      problem: `its times are in ${last.unit}, those of track ${track} in ${expectedUnit}: is it a log of the other track?`,
    };
  const trials = splitTrials(validations);
  if (track === 1 && trials.length > 1) return { problem: 'it holds more than one run; a log of track 1 is one run' };
  const runs: SpeedrunRun[] = [];
  for (const trial of trials) {
    const run = finishedRun(trial, stopStep);
    if (typeof run === 'string') return { problem: run };
    runs.push(run);
  }
  return { runs };
}

function finishedRun(trial: readonly Validation[], stopStep: number | undefined): SpeedrunRun | string {
  const total = trial[0]?.total ?? 0;
  const wanted = stopStep ?? total;
  const finals = trial.filter(({ step }) => step === wanted);
  const [final] = finals;
  if (final === undefined)
    return `a run has no validation at step ${wanted}: its last is at ${trial.at(-1)?.step} of ${total}. A run that did not finish still counts`;
  if (finals.length > 1) return `step ${wanted} is validated ${finals.length} times in one run: which one counts?`;
  if (!DECIMAL.test(final.loss)) return `the loss at step ${wanted} is '${final.loss}', which is no finite number`;
  if (!DECIMAL.test(final.time)) return `the time at step ${wanted} is '${final.time}', which is no number`;
  return {
    totalSteps: total,
    steps: wanted,
    loss: Number(final.loss),
    seconds: final.unit === 'ms' ? Number(final.time) / 1000 : Number(final.time),
    fingerprint: trial.map(({ line }) => line).join('\n'),
  };
}

/** A smaller step, or another schedule, begins another run. */
function splitTrials(validations: readonly Validation[]): Validation[][] {
  const trials: Validation[][] = [];
  let previous: Validation | undefined;
  for (const validation of validations) {
    if (previous === undefined || validation.step < previous.step || validation.total !== previous.total)
      trials.push([]);
    trials.at(-1)?.push(validation);
    previous = validation;
  }
  return trials;
}

/** Only what comes after the second line of `=`: the source holds the same words. Fewer such lines: after the last of them. */
function outputLines(text: string): readonly string[] {
  const lines = text.split('\n');
  const separators = lines.flatMap((line, index) => (SEPARATOR.test(line) ? [index] : []));
  const start = separators[1] ?? separators[0];
  return start === undefined ? lines : lines.slice(start + 1);
}
