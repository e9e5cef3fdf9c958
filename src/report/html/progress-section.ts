import { showGain, showInterval, showMilliseconds, showP, showPercent, showValue } from '../numbers.ts';
import { html, type Html } from './escape.ts';
import { hasFallen } from '../results.ts';
import { figure, legend, scrollable, verdictTag, type Frame } from './parts.ts';
import { drawProgress, type ProgressAxis } from './progress-figure.ts';
import { plottedValue, type ReportData } from './report-data.ts';
import { niceTicks, wholeTicks } from './scale.ts';

/** How the champion became better, by experiments and by time, and the steps one by one. */
export function progressSection(data: ReportData): Html {
  const { summary, rows } = data;
  const present = (['keep', 'near-miss', 'inconclusive', 'discard', 'suspected-hack', 'failed'] as const).filter(
    (verdict) => summary.verdicts[verdict] > 0,
  );
  const steps = data.history.championSteps.length;
  const text = `${steps === 0 ? 'No step was kept' : `The champion changed ${steps} times`} in ${summary.experiments} experiments`;
  const caption = html`Each mark is an experiment: its ${summary.task.metric} on the seeds of its confirmation, or else
  the mean of its runs. The line is the champion. The band is the start with the spread of one trial. Marks at an edge
  lie beyond it; marks on the axis have no value${summary.screens && ' of a whole trial'}; a ring is a keep that fell.
  ${legend(present)}`;
  return html`<section>
    <h2>Progress</h2>
    ${figure({
      title: 'Progress by experiments',
      summary: text,
      caption,
      wideHeight: 380,
      narrowHeight: 320,
      draw: (frame) => drawProgress(data, experimentAxis(data, frame), frame),
    })}
    ${keptSteps(data)}
    ${
      rows.length > 1 &&
      figure({
        title: 'Progress by working time',
        summary: text,
        caption: 'The same by the time that engines worked; pauses are left out.',
        wideHeight: 280,
        narrowHeight: 260,
        draw: (frame) => drawProgress(data, timeAxis(data, frame), frame),
      })
    }
  </section>`;
}

function experimentAxis({ history }: ReportData, frame: Frame): ProgressAxis {
  const end = Math.max(1, history.concluded.size);
  return {
    end,
    ticks: wholeTicks(end, frame.isNarrow ? 4 : 10).map((at) => ({ at, label: String(at) })),
    title: 'experiments ended',
    placeOf: (row) => {
      const order = history.concluded.get(row.experiment)?.order;
      return order === undefined ? undefined : order + 1;
    },
    stepPlaces: history.championSteps.map(({ concluded }) => concluded),
  };
}

const UNITS = [
  { name: 'seconds', size: 1000, until: 180_000 },
  { name: 'minutes', size: 60_000, until: 3 * 3_600_000 },
  { name: 'hours', size: 3_600_000, until: 4 * 86_400_000 },
  { name: 'days', size: 86_400_000, until: Number.POSITIVE_INFINITY },
] as const;

function timeAxis({ history, summary }: ReportData, frame: Frame): ProgressAxis {
  const end = Math.max(1, summary.activeMs);
  const unit = UNITS.find(({ until }) => end < until) ?? UNITS[0];
  const { values, decimals } = niceTicks(0, end / unit.size, frame.isNarrow ? 4 : 10);
  return {
    end,
    ticks: values.map((at) => ({ at: at * unit.size, label: at.toFixed(decimals) })),
    title: `${unit.name} worked`,
    placeOf: (row) => history.concluded.get(row.experiment)?.workedMs,
    stepPlaces: history.championSteps.map(({ workedMs }) => workedMs),
  };
}

function keptSteps(data: ReportData): Html | undefined {
  const { history, rowOf, decimals, summary } = data;
  if (history.championSteps.length === 0) return undefined;
  const lines = history.championSteps.flatMap((step) => {
    const row = rowOf.get(step.experiment);
    if (!row) return [];
    return html`<tr>
      <th scope="row"><a href="#${row.experiment}">${row.experiment}</a></th>
      <td class="num wide-only">${showMilliseconds(step.workedMs)}</td>
      <td class="num">${showValue(plottedValue(data, row), decimals)}</td>
      <td class="num">${showGain(row.confirmGain, decimals)}</td>
      <td class="num wide-only">${showInterval(row.interval, decimals)}</td>
      <td class="num wide-only">${showP(row.p)}</td>
      <td class="num wide-only">${row.n}</td>
      <td class="text">
        ${hasFallen(row) && html`${verdictTag(row)} `}${step.afterFallOf !== undefined && `back to it when ${step.afterFallOf} fell: `}${row.statement}
      </td>
    </tr>`;
  });
  const { tests } = summary;
  return html`${scrollable(
      'Kept steps',
      html`<table class="full">
        <caption>
          The kept steps
        </caption>
        <thead>
          <tr>
            <th scope="col">Step</th>
            <th scope="col" class="num wide-only">after</th>
            <th scope="col" class="num">${summary.task.metric}</th>
            <th scope="col" class="num">gain</th>
            <th scope="col" class="num wide-only">95 % interval</th>
            <th scope="col" class="num wide-only">p</th>
            <th scope="col" class="num wide-only">pairs</th>
            <th scope="col">hypothesis</th>
          </tr>
        </thead>
        <tbody>
          ${lines}
        </tbody>
      </table>`,
    )}
    <p>
      ${tests.count} experiments reached a statistical test and ${tests.rejections} were kept and stand
      (${showPercent(tests.count > 0 ? tests.rejections / tests.count : 0)}); the levels granted to the tests add up to
      ${showP(tests.levelGranted)}.
    </p>`;
}
