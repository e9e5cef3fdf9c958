/** One kernel of a GPU, or one operator on a CPU. */
export interface ProfileRow {
  readonly name: string;
  readonly secondsPerStep: number;
  readonly callsPerStep: number;
  /** Of the time of all of them together, 0 to 1. */
  readonly share: number;
}

/**
 * Where a training program's time goes, as its own process says: a claim. It helps whoever proposes and decides nothing. Unknown is
 * undefined: a CPU does not say when it was idle.
 */
export interface Profile {
  readonly device: string;
  /** That were recorded. */
  readonly steps: number;
  /** Without the profiler. */
  readonly secondsPerStep: number;
  readonly recordedSecondsPerStep?: number;
  /** The most expensive first. */
  readonly top: readonly ProfileRow[];
  /** Part of the recorded time in which the device did nothing, 0 to 1. */
  readonly idleShare?: number;
  readonly operationsPerStep?: number;
  /** What is counted as an operation. */
  readonly operationsCounted?: string;
  /** Operations a second over those of one large matrix product on the same device. */
  readonly mfu?: number;
  readonly matrixOperationsPerSecond?: number;
  readonly peakMemoryBytes?: number;
  readonly reservedMemoryBytes?: number;
}

const ROWS_SHOWN = 8;

/** A profile in a few lines, for people and for proposers. */
export function profileLines(profile: Profile): readonly string[] {
  const { device, steps, secondsPerStep, idleShare, mfu, operationsPerStep, matrixOperationsPerSecond } = profile;
  const { peakMemoryBytes, reservedMemoryBytes, top } = profile;
  const lines = [`${milliseconds(secondsPerStep)} a step on ${device}; ${steps} steps were recorded`];
  if (idleShare !== undefined) lines.push(`the device was idle ${percent(idleShare)} of the recorded time`);
  if (mfu !== undefined && operationsPerStep !== undefined && matrixOperationsPerSecond !== undefined) {
    const ceiling = `${(matrixOperationsPerSecond / 1e12).toPrecision(3)} Tflop/s of one large matrix product`;
    const counted = profile.operationsCounted === undefined ? '' : ` (counted: ${profile.operationsCounted})`;
    const each = `${(operationsPerStep / 1e9).toPrecision(3)} Gflop a step`;
    lines.push(`${each}, MFU ${percent(mfu)} of ${ceiling}${counted}`);
  }
  if (peakMemoryBytes !== undefined) {
    const reserved = reservedMemoryBytes === undefined ? '' : `, ${mebibytes(reservedMemoryBytes)} reserved`;
    lines.push(`at most ${mebibytes(peakMemoryBytes)} of memory${reserved}`);
  }
  for (const { name, share, secondsPerStep: seconds, callsPerStep } of top.slice(0, ROWS_SHOWN)) {
    const calls = Number(callsPerStep.toFixed(1));
    lines.push(`${percent(share)} ${milliseconds(seconds)} in ${calls} ${calls === 1 ? 'call' : 'calls'}: ${name}`);
  }
  return lines;
}

function percent(share: number): string {
  return `${(100 * share).toFixed(share < 0.1 ? 1 : 0)} %`;
}

function milliseconds(seconds: number): string {
  return `${Number((1000 * seconds).toPrecision(3))} ms`;
}

function mebibytes(bytes: number): string {
  return `${Math.round(bytes / 2 ** 20)} MiB`;
}
