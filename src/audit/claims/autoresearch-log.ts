export type AutoresearchLogReading =
  | { readonly bpb: number; readonly trainingSeconds: number; readonly problem?: undefined }
  | { readonly problem: string };

const KEY_LINE = /^(val_bpb|training_seconds):[ \t]*(\S*)[ \t]*$/;
const NUMBER = /^[-+]?\d+(?:\.\d+)?(?:[eE][-+]?\d+)?$/;
/** The budget is 300 s; the step under way at its end is finished. */
const LONGEST_SECONDS = 315;

/**
 * Reads the block that karpathy/autoresearch prints at the end of a run: `val_bpb:          0.997900` and eight other keys. The last block would
 * count; a log with more than one is refused, since nothing says which run they belong to.
 */
export function readAutoresearchLog(text: string): AutoresearchLogReading {
  const found = { val_bpb: [] as string[], training_seconds: [] as string[] };
  // Progress is written over itself with \r.
  for (const line of text.split(/[\r\n]+/)) {
    if (line.trim() === 'FAIL') return { problem: 'the run failed: it printed FAIL. It still counts' };
    const match = KEY_LINE.exec(line);
    if (match !== null) found[match[1] as keyof typeof found].push(match[2] ?? '');
  }
  const blocks = Math.max(found.val_bpb.length, found.training_seconds.length);
  if (blocks > 1) return { problem: `it holds ${blocks} result blocks: one log is one run` };
  const [bpb] = found.val_bpb;
  const [seconds] = found.training_seconds;
  if (bpb === undefined) return { problem: 'it holds no val_bpb: the run did not finish. It still counts' };
  if (!NUMBER.test(bpb)) return { problem: `its val_bpb is '${bpb}', which is no finite number` };
  if (seconds === undefined || !NUMBER.test(seconds))
    return { problem: `its training_seconds is ${seconds === undefined ? 'missing' : `'${seconds}'`}` };
  if (Number(seconds) > LONGEST_SECONDS)
    return { problem: `it trained for ${seconds} s; the budget of the benchmark is 300 s` };
  return { bpb: Number(bpb), trainingSeconds: Number(seconds) };
}
