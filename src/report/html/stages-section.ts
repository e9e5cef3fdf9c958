import { showPercent, showSeconds } from '../numbers.ts';
import type { StageTime } from '../summary.ts';
import { html, type Html } from './escape.ts';
import { figure } from './parts.ts';
import type { ReportData } from './report-data.ts';
import { pixel } from './scale.ts';

const PURPOSE: Readonly<Record<StageTime['stage'], string>> = {
  baseline: 'how much the unchanged start varies',
  screen: 'one look at each idea',
  replicate: 'more pairs, as long as they pay',
  confirm: 'fresh seeds for what replicated',
  final: 'the champion beside the start',
  guard: 'canaries and honest controls, which prove that the audits work',
  profile: 'where the time of the champion goes',
};

/** Where the machine's time went. */
export function stagesSection({ summary }: ReportData): Html | undefined {
  const stages = summary.stages.map((stage, index) => ({ ...stage, index })).filter(({ seconds }) => seconds > 0);
  if (stages.length === 0) return undefined;
  const total = stages.reduce((sum, { seconds }) => sum + seconds, 0);
  return html`<section>
    <h2>Time by stage</h2>
    ${figure({
      title: 'Trial time by stage',
      summary: stages.map(({ stage, share }) => `${stage} ${showPercent(share)}`).join(', '),
      caption: `${showSeconds(total)} of trials in all, references included.`,
      wideHeight: 26,
      narrowHeight: 26,
      draw: ({ width }) => {
        let at = 0;
        return html`${stages.map(({ stage, share, seconds, index }) => {
          const from = at;
          at += share * width;
          return html`<rect
            class="s${index}"
            x="${pixel(from)}"
            y="0"
            width="${pixel(Math.max(0.5, at - from - 1))}"
            height="26"
            ><title>${stage}: ${showSeconds(seconds)} (${showPercent(share)})</title></rect
          >`;
        })}`;
      },
    })}
    <table>
      <thead>
        <tr>
          <th scope="col">Stage</th>
          <th scope="col" class="num">time</th>
          <th scope="col" class="num">share</th>
          <th scope="col">for</th>
        </tr>
      </thead>
      <tbody>
        ${stages.map(
          ({ stage, seconds, share, index }) =>
            html`<tr>
              <th scope="row">
                <svg class="swatch" viewBox="0 0 11 11" aria-hidden="true">
                  <rect class="s${index}" width="11" height="11" rx="2" /></svg
                >${stage}
              </th>
              <td class="num">${showSeconds(seconds)}</td>
              <td class="num">${showPercent(share)}</td>
              <td>${PURPOSE[stage]}</td>
            </tr>`,
        )}
      </tbody>
    </table>
  </section>`;
}
