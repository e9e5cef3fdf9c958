import { count, showGain, showInterval, showMilliseconds, showP, showSeconds, showValue } from '../numbers.ts';
import { html, type Html } from './escape.ts';
import { scrollable } from './parts.ts';
import type { ReportData } from './report-data.ts';

/** Title, what was found, and under which conditions. */
export function championSection(data: ReportData): Html {
  const { summary, history } = data;
  const { task, sandbox } = summary;
  const better = task.direction === 'minimize' ? 'lower is better' : 'higher is better';
  return html`<header>
    <h1>${task.name}</h1>
    <p class="kicker">
      Campaign ${summary.campaign} · ${task.metric}${task.unit !== undefined && ` in ${task.unit}`}, ${better} ·
      ${stateWords(data)}
    </p>
    ${lead(data)} ${comparisonTable(data)}
    ${sandbox && !sandbox.isStrong && html`<p class="note" role="note">Weak confinement: candidates ran as ${sandbox.words}. Read every result with that in mind.</p>`}
    <dl class="facts">
      <dt>Device</dt>
      <dd>
        ${history.devices.join('; ') || 'unknown'}${summary.slots !== undefined && `, ${count(summary.slots, 'slot')}`}
      </dd>
      <dt>Sandbox</dt>
      <dd>${sandbox?.words ?? 'unknown'}</dd>
      ${
        summary.finished &&
        html`<dt>Ended</dt>
          <dd>${summary.finished.reason}</dd>`
      }
      <dt>Searched</dt>
      <dd>
        ${count(summary.experiments, 'experiment')} with ${count(summary.trials, 'trial')} in
        ${showMilliseconds(summary.activeMs)}
      </dd>
      <dt>Noise</dt>
      <dd>${noiseWords(data)}</dd>
    </dl>
  </header>`;
}

function stateWords({ summary }: ReportData): string {
  return summary.finished ? 'finished' : 'not finished';
}

function lead({ summary, decimals }: ReportData): Html {
  const { champion, comparison, task } = summary;
  if (!champion.isNew) {
    return html`<p class="lead">
      Nothing has beaten the starting
      point${summary.start.mean !== undefined && html` (${task.metric} <b>${showValue(summary.start.mean, decimals)}</b>)`}.
    </p>`;
  }
  if (comparison) {
    return html`<p class="lead">
      The champion ${comparison.champion} reaches ${task.metric} <b>${showValue(comparison.championMean, decimals)}</b>;
      the starting point, measured beside it, <b>${showValue(comparison.baselineMean, decimals)}</b>. The gain is
      <b>${showGain(comparison.gain, decimals)}</b> (95 % interval ${showInterval(comparison.interval, decimals)}; p
      ${pWords(comparison.p)}; ${count(comparison.pairs, 'pair')} of runs on seeds that nothing was chosen by).
    </p>`;
  }
  const gain = champion.estimatedGain;
  return html`<p class="lead">
    The champion so far is
    ${champion.experiment}${gain !== undefined && html`, with an estimated gain of <b>${showGain(gain, decimals)}</b> over the starting point in ${count(champion.steps.length, 'kept step')}`}.
    This is an estimate: the two are measured side by side when the campaign ends.
  </p>`;
}

function pWords(p: number): string {
  const text = showP(p);
  return text.startsWith('<') ? text : `= ${text}`;
}

function comparisonTable({ summary, decimals }: ReportData): Html | undefined {
  const { comparison, task } = summary;
  if (!comparison) return undefined;
  const { baselineMean, championMean, gain, interval, pairs, p } = comparison;
  const share = baselineMean === 0 ? undefined : (100 * gain) / Math.abs(baselineMean);
  return scrollable(
    'The champion beside the starting point',
    html`<table>
      <caption>
        The champion beside the starting point, re-measured when the search was over
      </caption>
      <thead>
        <tr>
          <th scope="col"></th>
          <th scope="col" class="num">n</th>
          <th scope="col" class="num">${task.metric}</th>
          <th scope="col" class="num">gain</th>
          <th scope="col" class="num wide-only">95 % interval</th>
          <th scope="col" class="num wide-only">p</th>
        </tr>
      </thead>
      <tbody>
        <tr>
          <th scope="row">Start</th>
          <td class="num">${pairs}</td>
          <td class="num">${showValue(baselineMean, decimals)}</td>
          <td class="num"></td>
          <td class="num wide-only"></td>
          <td class="num wide-only"></td>
        </tr>
        <tr>
          <th scope="row">${comparison.champion}</th>
          <td class="num">${pairs}</td>
          <td class="num">${showValue(championMean, decimals)}</td>
          <td class="num">${showGain(gain, decimals)}${share !== undefined && ` (${showGain(share, 2)} %)`}</td>
          <td class="num wide-only">${showInterval(interval, decimals)}</td>
          <td class="num wide-only">${showP(p)}</td>
        </tr>
      </tbody>
    </table>`,
  );
}

function noiseWords({ summary }: ReportData): string {
  const { noise } = summary;
  if (!noise) return 'not measured yet';
  return (
    `one trial of the unchanged start varies by ${showValue(Number(noise.sigma.toPrecision(3)))} (standard deviation over ${count(noise.runs, 'run')}; ` +
    `decisions use ${showValue(Number(noise.sigmaUsed.toPrecision(3)))}) and takes ${showSeconds(noise.trialSeconds)}`
  );
}
