import type { Interval } from '../../domain/hypothesis.ts';
import { showGain, showInterval } from '../numbers.ts';
import { html, type Html } from './escape.ts';
import { figure, scrollable, shorten, type Frame } from './parts.ts';
import type { ReportData } from './report-data.ts';
import { linearScale, niceTicks, pixel, type Scale } from './scale.ts';

/** A champion of hundreds of steps: the largest are shown, the rest is one bar. */
const MOST_BARS = 30;

interface Bar {
  readonly label: string;
  readonly statement: string;
  readonly from: number;
  readonly to: number;
  /** Where the interval lies, on the same axis. */
  readonly interval?: Interval;
  readonly isMeasured?: true;
}

/** What each kept step on the way to the champion contributed, and what all of them give together. */
export function contributionsSection(data: ReportData): Html | undefined {
  const bars = contributionBars(data);
  if (bars.length === 0) return undefined;
  const steps = bars.filter((bar) => !bar.isMeasured);
  const height = (isNarrow: boolean): number => bars.length * (isNarrow ? 44 : 30) + 46;
  return html`<section>
    <h2>Contributions</h2>
    ${figure({
      title: 'Contributions of the kept steps',
      summary: bars.map((bar) => `${bar.label} ${showGain(bar.to - bar.from, data.decimals)}`).join(', '),
      caption: html`Each bar is the gain to quote of one kept step over its parent: the confirmed gain, shrunk because
      what is chosen for being good looks better than it is. The line is the 95 % interval of the confirmed gain.
      ${bars.length > steps.length && 'The last bar is no sum: it is the champion measured beside the start, and the steps need not add up to it.'}`,
      wideHeight: height(false),
      narrowHeight: height(true),
      draw: (frame) => drawBars(data, bars, frame),
    })}
    ${carriesTable(data)}
  </section>`;
}

/** What each change carries, where an ablation has measured it. */
function carriesTable({ contributions, decimals }: ReportData): Html | undefined {
  const measured = contributions.filter(({ carries }) => carries !== undefined);
  if (measured.length === 0) return undefined;
  const caption =
    'What changes carry: the champion with the change beside the champion without it, a number of pairs that was fixed before';
  return scrollable(
    caption,
    html`<table class="full">
      <caption>
        ${caption}
      </caption>
      <thead>
        <tr>
          <th scope="col"></th>
          <th scope="col" class="num">brought</th>
          <th scope="col" class="num">carries</th>
          <th scope="col" class="num wide-only">95 % interval</th>
          <th scope="col" class="wide-only">measured by</th>
          <th scope="col" class="num wide-only">lines</th>
          <th scope="col">change</th>
        </tr>
      </thead>
      <tbody>
        ${measured.map(
          (row) =>
            html`<tr>
              <th scope="row">${row.experiment}</th>
              <td class="num">${showGain(row.gain, decimals)}</td>
              <td class="num">${showGain(row.carries?.gain, decimals)}</td>
              <td class="num wide-only">${showInterval(row.carries?.interval, decimals)}</td>
              <td class="wide-only">
                ${row.carries?.ablation}${row.isPresentCompany !== true && ', in earlier company'}
              </td>
              <td class="num wide-only">+${row.linesAdded ?? 0} −${row.linesRemoved ?? 0}</td>
              <td>${row.standing !== 'held' && html`<b>${row.standing}</b> `}${shorten(row.statement, 80)}</td>
            </tr>`,
        )}
      </tbody>
    </table>`,
  );
}

function contributionBars({ summary, rowOf }: ReportData): readonly Bar[] {
  const steps = summary.champion.steps.flatMap((id) => {
    const row = rowOf.get(id);
    const gain = row?.shrunkenGain ?? row?.gain;
    // A removal that is merely not worse brought nothing; what it took out is in the table.
    if (row?.operator === 'ablate' && gain === 0) return [];
    return row && gain !== undefined ? [{ row, gain }] : [];
  });
  const ranked = steps.toSorted((a, b) => b.gain - a.gain);
  const left = steps.length > MOST_BARS ? ranked.slice(MOST_BARS) : [];
  const smaller = new Set(left);
  const bars: Bar[] = [];
  let sum = 0;
  for (const step of steps) {
    if (smaller.has(step)) continue;
    const { row, gain } = step;
    const interval = row.interval && { low: sum + row.interval.low, high: sum + row.interval.high };
    const label = row.experiment;
    bars.push({ label, statement: row.statement, from: sum, to: sum + gain, ...(interval ? { interval } : {}) });
    sum += gain;
  }
  if (smaller.size > 0) {
    const rest = [...smaller].reduce((total, { gain }) => total + gain, 0);
    bars.push({ label: 'others', statement: `${smaller.size} smaller steps`, from: sum, to: sum + rest });
  }
  const { comparison } = summary;
  if (comparison && bars.length > 0) {
    const { gain: to, interval } = comparison;
    bars.push({
      label: 'together',
      statement: 'the champion beside the start',
      from: 0,
      to,
      interval,
      isMeasured: true,
    });
  }
  return bars;
}

function drawBars({ decimals }: ReportData, bars: readonly Bar[], frame: Frame): Html {
  const left = frame.isNarrow ? 8 : 320;
  const right = frame.width - 74;
  const step = frame.isNarrow ? 44 : 30;
  const ends = bars.flatMap((bar) => [
    bar.from,
    bar.to,
    ...(bar.interval ? [bar.interval.low, bar.interval.high] : []),
  ]);
  const low = Math.min(0, ...ends);
  const high = Math.max(0, ...ends);
  const x = linearScale(low, high, left, right);
  const floor = bars.length * step + 6;
  const ticks = niceTicks(low, high, frame.isNarrow ? 3 : 5);
  return html`
    ${ticks.values.map((value) => html`<line class="${value === 0 ? 'axis' : 'grid'}" x1="${pixel(x(value))}" x2="${pixel(x(value))}" y1="2" y2="${floor}" /><text x="${pixel(x(value))}" y="${floor + 16}" text-anchor="middle">${value === 0 ? '0' : showGain(value, ticks.decimals)}</text>`)}
    ${bars.slice(1).map((bar, index) => !bar.isMeasured && html`<line class="link" x1="${pixel(x(bar.from))}" x2="${pixel(x(bar.from))}" y1="${index * step + (frame.isNarrow ? 36 : 22)}" y2="${(index + 1) * step + (frame.isNarrow ? 24 : 8)}" />`)}
    ${bars.map((bar, index) => drawBar(bar, { x, top: index * step + 4, right, isNarrow: frame.isNarrow, decimals }))}
    <text x="${pixel((left + right) / 2)}" y="${floor + 34}" text-anchor="middle">gain over the start</text>
  `;
}

function drawBar(
  bar: Bar,
  place: { x: Scale; top: number; right: number; isNarrow: boolean; decimals: number | undefined },
): Html {
  const { x, top, right, isNarrow, decimals } = place;
  const y = top + (isNarrow ? 18 : 2);
  const height = 16;
  const [from, to] = [x(Math.min(bar.from, bar.to)), x(Math.max(bar.from, bar.to))];
  const isLoss = bar.to < bar.from;
  const text = shorten(bar.statement, isNarrow ? 44 : 36);
  const label = isNarrow
    ? html`<text class="halo" x="8" y="${top + 12}"><tspan class="strong">${bar.label}</tspan> ${text}</text>`
    : html`<text x="64" y="${y + 12}" class="strong" text-anchor="end">${bar.label}</text
        ><text x="74" y="${y + 12}">${text}</text>`;
  const middle = y + height / 2;
  return html`<g>
    <title>${bar.label}: ${bar.statement}, ${showGain(bar.to - bar.from, decimals)}</title>
    <rect
      class="${`bar${bar.isMeasured ? ' measured' : isLoss ? ' loss' : ''}`}"
      x="${pixel(from)}"
      y="${y}"
      width="${pixel(Math.max(1, to - from))}"
      height="${height}"
    />
    ${bar.interval && html`<path class="whisker" d="M${pixel(x(bar.interval.low))} ${middle}H${pixel(x(bar.interval.high))}M${pixel(x(bar.interval.low))} ${middle - 4}v8M${pixel(x(bar.interval.high))} ${middle - 4}v8" />`}
    ${label}
    <text class="strong" x="${right + 70}" y="${y + 12}" text-anchor="end"
      >${showGain(bar.to - bar.from, decimals)}</text
    ></g
  >`;
}
