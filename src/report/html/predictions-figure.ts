import { showGain, showInterval, showPercent } from '../numbers.ts';
import type { ResultRow } from '../results.ts';
import { html, type Html } from './escape.ts';
import { figure, type Frame } from './parts.ts';
import type { ReportData } from './report-data.ts';
import { linearScale, niceTicks, pixel, quantile } from './scale.ts';

type Checked = ResultRow & Required<Pick<ResultRow, 'predicted' | 'gain' | 'predictionHeld'>>;

/** What was predicted beside what was measured. */
export function predictionsSection(data: ReportData): Html | undefined {
  const checked = data.rows.filter(
    (row): row is Checked => row.role === 'hypothesis' && row.predictionHeld !== undefined,
  );
  if (checked.length === 0) return undefined;
  const { calibration } = data.summary;
  const share = calibration.share ?? 0;
  const words = `${calibration.covered} of ${calibration.checked} intervals (${showPercent(share)}) held what was measured; four of five are meant to. ${calibration.tooHigh} predicted too much, ${calibration.tooLow} too little.`;
  return html`<section>
    <h2>Predictions</h2>
    <p>${words}</p>
    ${figure({
      title: 'Predicted and measured gains',
      summary: words,
      caption: html`Each bar is the interval that a proposer gave before the experiment ran; the dot is the best
        estimate of the gain that was measured. <span class="swatch" style="background:var(--keep)"></span>held,
        <span class="swatch" style="background:var(--fail)"></span>missed. Dots at an edge lie beyond it.`,
      wideHeight: 300,
      narrowHeight: 260,
      draw: (frame) => drawPredictions(data, checked.slice(frame.isNarrow ? -48 : -160), frame),
    })}
  </section>`;
}

function drawPredictions({ decimals }: ReportData, rows: readonly Checked[], frame: Frame): Html {
  const left = frame.isNarrow ? 58 : 66;
  const right = frame.width - 12;
  const bottom = frame.height - 40;
  const top = 26;
  const ends = rows.flatMap(({ predicted }) => [predicted.low, predicted.high]);
  const gains = rows.map(({ gain }) => gain);
  const low = Math.min(0, ...ends, quantile(gains, 0.05) ?? 0);
  const high = Math.max(0, ...ends, quantile(gains, 0.95) ?? 0);
  const y = linearScale(low, high, bottom, top);
  const slot = (right - left) / rows.length;
  const ticks = niceTicks(low, high, frame.isNarrow ? 4 : 6);
  const every = Math.max(1, Math.ceil((frame.isNarrow ? 36 : 30) / slot));
  return html`<text x="0" y="12">gain over the parent</text>
    ${ticks.values.map((value) => html`<line class="${value === 0 ? 'zero' : 'grid'}" x1="${left}" x2="${right}" y1="${pixel(y(value))}" y2="${pixel(y(value))}" /><text x="${left - 8}" y="${pixel(y(value) + 4)}" text-anchor="end">${value === 0 ? '0' : showGain(value, ticks.decimals)}</text>`)}
    ${rows.map((row, index) => {
      const x = pixel(left + (index + 0.5) * slot);
      const place = Math.min(bottom, Math.max(top, y(row.gain)));
      const title = `${row.experiment} ${row.verdict}: predicted ${showInterval(row.predicted, decimals)}, measured ${showGain(row.gain, decimals)}`;
      return html`<g
        ><title>${title}</title
        ><line
          class="range"
          x1="${x}"
          x2="${x}"
          y1="${pixel(y(row.predicted.low))}"
          y2="${pixel(y(row.predicted.high))}"
        /><circle
          class="${`dot ${row.predictionHeld ? 'held' : 'missed'}`}"
          cx="${x}"
          cy="${pixel(place)}"
          r="${slot < 6 ? 2.4 : 4}"
        />${index % every === 0 && html`<text x="${x}" y="${bottom + 18}" text-anchor="middle">${row.experiment}</text>`}</g
      >`;
    })}
    <text x="${pixel((left + right) / 2)}" y="${frame.height - 4}" text-anchor="middle">experiment</text> `;
}
