import { count, showEValue, showGain, showInterval, showP, showSeconds } from '../numbers.ts';
import { hasFallen, isGainOfScreen, rankRows, type ResultRow } from '../results.ts';
import { escapeHtml, Html, html } from './escape.ts';
import { scrollable, verdictTag } from './parts.ts';
import type { Patch, ReportData } from './report-data.ts';

/** A page with more rows is slow on a phone; the rest is in results.json. */
const MOST_ROWS = 1000;
const SCREENED = 'of a screen, which has a length of its own: not the gain of whole trials';

/** Every experiment: first what was kept, then all. */
export function experimentsSection(data: ReportData): Html {
  const rows = data.rows.filter((row) => row.role === 'hypothesis');
  if (rows.length === 0)
    return html`<section>
      <h2>Experiments</h2>
      <p>There is none yet.</p>
    </section>`;
  const keeps = rows.filter((row) => row.verdict === 'keep');
  const kept = keeps.filter((row) => !hasFallen(row));
  const fallen = keeps.filter(hasFallen);
  const others = rows.filter((row) => row.verdict !== 'keep');
  const shown = others.length > MOST_ROWS ? rankRows(others).slice(0, MOST_ROWS) : others;
  const omitted = others.length - shown.length;
  return html`<section>
    <h2>Experiments</h2>
    <p>
      A gain is against the experiment's parent, in units of the metric, and positive when it is better. It comes from
      the confirmation where there was one, else from the replication, else from the single pair of the screen.
    </p>
    ${kept.length > 0 && table(data, kept, `Kept (${kept.length})`)}
    ${fallen.length > 0 && table(data, fallen, `Kept, but fallen since (${fallen.length})`)}
    ${shown.length > 0 && table(data, shown, `Not kept (${others.length})`)}
    ${omitted > 0 && html`<p>${count(omitted, 'more experiment')} with smaller gains: see results.json.</p>`}
  </section>`;
}

function table(data: ReportData, rows: readonly ResultRow[], caption: string): Html {
  return scrollable(
    caption,
    html`<table class="full">
      <caption>
        ${caption}
      </caption>
      <thead>
        <tr>
          <th scope="col"></th>
          <th scope="col">verdict</th>
          <th scope="col" class="num">gain</th>
          <th scope="col" class="num wide-only">n</th>
          <th scope="col" class="num wide-only">95 % interval</th>
          <th scope="col" class="num wide-only">p</th>
          <th scope="col" class="num wide-only">cost</th>
          <th scope="col">hypothesis</th>
        </tr>
      </thead>
      <tbody>
        ${rows.map((row) => experimentLines(data, row))}
      </tbody>
    </table>`,
  );
}

function experimentLines({ decimals, patches, summary }: ReportData, row: ResultRow): Html {
  const patch = patches.get(row.experiment);
  const isOfScreen = isGainOfScreen(row, summary.screens !== undefined);
  const facts: (string | undefined)[] = [
    `${row.kind}, ${row.operator} by ${row.proposer}, on ${row.parent}`,
    row.stage === undefined ? undefined : `ended at ${row.stage}`,
    row.eValue === undefined
      ? undefined
      : `e-value ${showEValue(row.eValue)} of ${showEValue(row.eValueNeeded)} needed (test ${row.testIndex})`,
    row.shrunkenGain === undefined ? undefined : `gain to quote ${showGain(row.shrunkenGain, decimals)}`,
    row.hiddenGain === undefined
      ? undefined
      : `${summary.task.holdoutMetric ?? 'hidden data'} ${showGain(row.hiddenGain, decimals)}`,
    row.predicted &&
      `predicted ${showInterval(row.predicted, decimals)}${row.predictionHeld === undefined ? '' : row.predictionHeld ? ' (held)' : ' (missed)'}`,
    row.candidate && `commit ${row.candidate.slice(0, 7)}`,
  ];
  return html`<tr class="head" id="${row.experiment}">
      <th scope="row">${row.experiment}${row.champion && html` <span title="the champion">★</span>`}</th>
      <td>${verdictTag(row)}</td>
      <td class="num">${isOfScreen && html`<span title="${SCREENED}">~</span> `}${showGain(row.gain, decimals)}</td>
      <td class="num wide-only">${row.n}</td>
      <td class="num wide-only">${showInterval(row.interval, decimals)}</td>
      <td class="num wide-only">${showP(row.p)}</td>
      <td class="num wide-only">${row.seconds > 0 && showSeconds(row.seconds)}</td>
      <td class="text">${row.statement}</td>
    </tr>
    <tr class="more">
      <td colspan="8">
        <details>
          <summary>${detailsLabel(row, patch)}</summary>
          <p>${facts.filter((fact) => fact !== undefined).join(' · ')}</p>
          ${row.retracted && html`<p class="note">Retracted (${row.retracted.cause}): ${row.retracted.reason}</p>`}
          ${row.reason !== undefined && html`<p>${row.reason}</p>`}${patch && patchBlock(patch)}
        </details>
      </td>
    </tr>`;
}

function detailsLabel(row: ResultRow, patch: Patch | undefined): string {
  const what = patch ? 'reason and change' : 'reason';
  return row.linesAdded === undefined ? what : `${what} (+${row.linesAdded} −${row.linesRemoved ?? 0})`;
}

/** Hashes of blobs say nothing here; `champion.patch` has them. */
function patchBlock({ text, isCut }: Patch): Html {
  const lines = text
    .trimEnd()
    .split('\n')
    .filter((line) => !line.startsWith('index '))
    .map((line) => {
      const escaped = escapeHtml(`${line}\n`);
      const style = lineStyle(line);
      return style === undefined ? escaped : `<span class="${style}">${escaped}</span>`;
    });
  return html`<pre tabindex="0" aria-label="change">${new Html(lines.join(''))}</pre>
    ${isCut && html`<p>The change is longer; see it whole with assay diff.</p>`}`;
}

function lineStyle(line: string): 'add' | 'del' | 'hunk' | undefined {
  if (/^(\+\+\+|---) /.test(line)) return undefined;
  if (line.startsWith('+')) return 'add';
  if (line.startsWith('-')) return 'del';
  return line.startsWith('@@') ? 'hunk' : undefined;
}
