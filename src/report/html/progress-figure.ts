import { hasFallen, verdictWords, type ResultRow } from '../results.ts';
import { showGain, showValue } from '../numbers.ts';
import { html, type Html } from './escape.ts';
import { verdictMark, type Frame } from './parts.ts';
import { plottedValue, type ReportData } from './report-data.ts';
import { linearScale, niceTicks, pixel, quantile, type Scale } from './scale.ts';

/** How the chart is laid out along the horizontal axis: by experiments ended, or by working time. */
export interface ProgressAxis {
  readonly end: number;
  readonly ticks: readonly { readonly at: number; readonly label: string }[];
  readonly title: string;
  readonly placeOf: (row: ResultRow) => number | undefined;
  readonly stepPlaces: readonly number[];
}

/** More marks than this tell no more: discards are thinned. */
const MOST_MARKS = 1500;
const STRIP = 18;
const TOP = 26;

/** Experiments as marks, the champion as a line that steps. */
export function drawProgress(data: ReportData, axis: ProgressAxis, frame: Frame): Html {
  const { summary } = data;
  const left = frame.isNarrow ? 54 : 64;
  const right = frame.width - (frame.isNarrow ? 10 : 16);
  const bottom = frame.height - 42 - STRIP;
  const [low, high] = valueRange(data);
  const x = linearScale(0, axis.end, left, right);
  const y = linearScale(low, high, bottom, TOP);
  const ticks = niceTicks(low, high, frame.isNarrow ? 4 : 6);
  const sigma = summary.noise?.sigma ?? 0;
  const start = summary.start.mean;
  return html`<text x="0" y="12"
      >${summary.task.metric}${summary.task.unit !== undefined && ` (${summary.task.unit})`}</text
    >
    ${ticks.values.map((value) => html`<line class="grid" x1="${left}" x2="${right}" y1="${pixel(y(value))}" y2="${pixel(y(value))}" /><text x="${left - 8}" y="${pixel(y(value) + 4)}" text-anchor="end">${showValue(value, ticks.decimals)}</text>`)}
    ${start !== undefined && html`<rect class="band" x="${left}" width="${right - left}" y="${pixel(Math.max(TOP, y(start + sigma)))}" height="${pixel(Math.max(1, y(start - sigma) - y(start + sigma)))}" /><line class="zero" x1="${left}" x2="${right}" y1="${pixel(y(start))}" y2="${pixel(y(start))}" /><text class="halo" x="${right}" y="${pixel(y(start) - 5)}" text-anchor="end">start ± sigma</text>`}
    <line class="axis" x1="${left}" x2="${right}" y1="${bottom + STRIP}" y2="${bottom + STRIP}" />
    ${axis.ticks.map(({ at, label }) => html`<line class="axis" x1="${pixel(x(at))}" x2="${pixel(x(at))}" y1="${bottom + STRIP}" y2="${bottom + STRIP + 5}" /><text x="${pixel(x(at))}" y="${bottom + STRIP + 19}" text-anchor="middle">${label}</text>`)}
    <text x="${pixel((left + right) / 2)}" y="${frame.height - 4}" text-anchor="middle">${axis.title}</text>
    ${marks(data, axis, { x, y, bottom })} ${championPath(data, axis, x, y, right)} `;
}

function marks(data: ReportData, axis: ProgressAxis, place: { x: Scale; y: Scale; bottom: number }): Html[] {
  const rows = data.rows.filter((row) => row.role === 'hypothesis' && row.verdict !== 'open');
  const thin = Math.ceil(rows.filter((row) => row.verdict === 'discard').length / MOST_MARKS);
  let discards = 0;
  const kept: Html[] = [];
  const others: Html[] = [];
  for (const row of rows) {
    if (row.verdict === 'discard' && discards++ % thin !== 0) continue;
    const at = axis.placeOf(row);
    if (at === undefined) continue;
    const value = plottedValue(data, row);
    const height = value === undefined ? place.bottom + STRIP / 2 : clamp(place.y(value), TOP, place.bottom);
    const mark = verdictMark(row.verdict, pixel(place.x(at)), pixel(height), tooltip(data, row, value), hasFallen(row));
    (row.verdict === 'keep' ? kept : others).push(mark);
  }
  return [...others, ...kept];
}

function tooltip({ summary, decimals }: ReportData, row: ResultRow, value: number | undefined): string {
  const measured =
    value === undefined
      ? row.gain === undefined
        ? 'no value'
        : 'only screened'
      : `${summary.task.metric} ${showValue(value, decimals)}`;
  const gain = row.gain === undefined ? '' : `, gain ${showGain(row.gain, decimals)} over ${row.parent}`;
  return `${row.experiment} ${row.failure === undefined ? verdictWords(row) : `failed: ${row.failure}`}: ${row.statement} (${measured}${gain})`;
}

function championPath(data: ReportData, axis: ProgressAxis, x: Scale, y: Scale, right: number): Html | undefined {
  const start = data.summary.start.mean;
  if (start === undefined) return undefined;
  let path = `M${pixel(x(0))} ${pixel(y(start))}`;
  const labels: Html[] = [];
  let lastLabel = Number.NEGATIVE_INFINITY;
  for (const [index, step] of data.history.championSteps.entries()) {
    const row = data.rowOf.get(step.experiment);
    const value = row && plottedValue(data, row);
    const at = axis.stepPlaces[index];
    if (value === undefined || at === undefined) continue;
    path += `H${pixel(x(at))}V${pixel(y(value))}`;
    if (x(at) - lastLabel < 30) continue;
    lastLabel = x(at);
    const below = data.summary.task.direction === 'minimize';
    const isAtEdge = x(at) > right - 24;
    labels.push(
      html`<text
        class="strong halo"
        x="${pixel(x(at) + (isAtEdge ? 4 : -4))}"
        y="${pixel(y(value) + (below ? 19 : -10))}"
        text-anchor="${isAtEdge ? 'end' : 'middle'}"
        >${step.experiment}</text
      >`,
    );
  }
  return html`<path class="path" d="${`${path}H${pixel(right)}`}" />${labels}`;
}

/** From the champion to the bulk of the others. A few that are far off are drawn at the edge, so that the rest can be told apart. */
function valueRange(data: ReportData): readonly [number, number] {
  const { start, noise, task } = data.summary;
  const champions = data.history.championSteps.flatMap(({ experiment }) => {
    const row = data.rowOf.get(experiment);
    return (row && plottedValue(data, row)) ?? [];
  });
  const core = [...champions, ...(start.mean === undefined ? [] : [start.mean])];
  const values = data.rows.flatMap((row) => (row.role === 'hypothesis' ? (plottedValue(data, row) ?? []) : []));
  if (core.length === 0 && values.length === 0) return [0, 1];
  const all = [...core, ...values];
  const span =
    Math.max(Math.max(...core) - Math.min(...core), 6 * (noise?.sigma ?? 0)) || Math.abs(core[0] ?? 1) * 0.01 || 1;
  const low = Math.max(quantile(all, task.direction === 'minimize' ? 0 : 0.05) ?? 0, Math.min(...core) - span);
  const high = Math.min(quantile(all, task.direction === 'minimize' ? 0.95 : 1) ?? 1, Math.max(...core) + span);
  const [bottom, top] = [Math.min(low, ...core), Math.max(high, ...core)];
  const pad = (top - bottom || span) * 0.08;
  return [bottom - 1.6 * pad, top + pad];
}

function clamp(value: number, low: number, high: number): number {
  return Math.min(high, Math.max(low, value));
}
