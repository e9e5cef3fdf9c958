/**
 * The line that a run prints at each validation, as a regular expression with the named groups step, total, val_loss, time, unit
 * and step_avg: `step:250/1390 val_loss:4.4888 train_time:7930ms step_avg:31.72ms`. Track 1 times in ms, track 3 in s.
 *
 * @param number what is taken for a value: digits, or anything for a reader that says what is wrong with one.
 * @param time name of the group that holds the time.
 */
export function validationLine(number: string, unit: string, time = 'time'): string {
  return String.raw`^step:(?<step>\d+)/(?<total>\d+) val_loss:(?<val_loss>${number}) train_time:(?<${time}>${number})${unit} step_avg:(?<step_avg_ms>\S+)ms\s*$`;
}
