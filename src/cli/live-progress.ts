import { stripVTControlCharacters } from 'node:util';
import { gain, type CampaignState } from '../domain/state.ts';
import { activeMs } from '../engine/budget.ts';
import { progressLine } from '../report/log-lines.ts';
import type { EventRecord } from '../store/store.ts';
import { printable, styleOutput, type Output } from './output.ts';

export interface LiveProgress extends Disposable {
  /** A line of the set-up, before there are events. */
  step(text: string): void;
  observe(record: EventRecord, state: CampaignState): void;
  say(text: string): void;
}

/** One line an event; in a terminal also a line at the bottom that says what runs now. */
export function liveProgress(output: Output): LiveProgress {
  const isLive = output.width !== undefined;
  let footer = '';
  let last: CampaignState | undefined;
  const clear = (): void => {
    if (footer !== '') process.stdout.write('\r\u001b[2K');
    footer = '';
  };
  const draw = (text: string): void => {
    clear();
    footer = stripVTControlCharacters(text).slice(0, (output.width ?? 80) - 1);
    process.stdout.write(styleOutput('dim', footer));
  };
  const line = (text: string): void => {
    clear();
    output.print(text);
  };
  const timer = isLive ? setInterval(() => last && draw(footerOf(last)), 500) : undefined;
  return {
    step: (text) => (isLive ? draw(`  ${text}`) : line(`  ${text}`)),
    say: line,
    observe: (record, state) => {
      last = state;
      const words = progressLine(record, state);
      if (words !== undefined) line(styled(record, `${clock(activeMs(state, record.at))}  ${printable(words)}`));
      if (isLive) draw(footerOf(state));
    },
    [Symbol.dispose]: () => {
      clearInterval(timer);
      clear();
    },
  };
}

function styled({ event }: EventRecord, text: string): string {
  switch (event.type) {
    case 'champion.changed':
      return styleOutput(['bold', 'green'], text);
    case 'experiment.concluded':
      if (event.verdict.kind === 'keep') return styleOutput('green', text);
      return event.verdict.kind === 'suspected-hack' ? styleOutput('red', text) : text;
    case 'experiment.proposed':
    case 'stage.passed':
      return styleOutput('dim', text);
    default:
      return text;
  }
}

function footerOf(state: CampaignState): string {
  const running = [...state.trials.values()].filter((trial) => trial.state === 'submitted');
  const stages = running.map(({ plan }) => `${plan.experiment} ${plan.stage}`).join(', ') || 'nothing';
  const limit = state.limits.experiments === undefined ? '' : `/${state.limits.experiments}`;
  const champion = state.experiments.get(state.champion);
  const mean = champion?.measured?.mean;
  const start = state.noise?.start.mean;
  const best =
    mean === undefined || start === undefined
      ? ''
      : ` · champion ${state.champion} ${state.task.metric} ${mean.toPrecision(5)} (${gain(state.task.direction, mean, start) >= 0 ? 'better' : 'worse'} than ${start.toPrecision(5)})`;
  return `${clock(activeMs(state, Date.now()))} · ${Math.max(0, state.experimentCount - state.measurementCount)}${limit} experiments, ${state.verdictCounts.keep} kept · runs ${stages}${best}`;
}

/** Minutes and seconds. */
export function clock(ms: number): string {
  const seconds = Math.max(0, Math.round(ms / 1000));
  return `${String(Math.floor(seconds / 60)).padStart(2, '0')}:${String(seconds % 60).padStart(2, '0')}`;
}
