import { html, type Html } from './escape.ts';
import type { ReportData } from './report-data.ts';

/** The commands that lead from this page back to the evidence. */
export function reproduceSection({ summary }: ReportData): Html {
  const { campaign, champion } = summary;
  const commands: (readonly [string, string])[] = [
    [
      `assay export ${campaign} --out evidence`,
      'every trial with its seed (trials.csv), all numbers (results.json), the champion (champion.patch)',
    ],
    [`assay why ${champion.experiment} --campaign ${campaign}`, 'why the champion is the champion'],
    [`assay diff baseline champion --campaign ${campaign}`, 'everything that was changed'],
  ];
  if (champion.isNew)
    commands.push(['git apply evidence/champion.patch', "in a copy of the task's starting files: the champion"]);
  return html`<section>
    <h2>How to reproduce</h2>
    <p>
      Every trial ran with the seed that trials.csv gives for it. Numbers are comparable on the same machine only: run
      start and champion side by side.
    </p>
    <dl class="facts">
      ${commands.map(
        ([command, meaning]) =>
          html`<dt><code>${command}</code></dt>
            <dd>${meaning}</dd>`,
      )}
    </dl>
    <p></p>
    <dl class="facts">
      <dt>Start</dt>
      <dd><code>${summary.start.candidate}</code></dd>
      ${
        champion.candidate !== undefined &&
        html`<dt>Champion</dt>
          <dd><code>${champion.candidate}</code></dd>`
      }
      <dt>Task files</dt>
      <dd><code>${summary.task.hash}</code></dd>
    </dl>
  </section>`;
}
