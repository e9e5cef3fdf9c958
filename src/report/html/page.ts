import { campaignSection } from './campaign-section.ts';
import { championSection } from './champion-section.ts';
import { contributionsSection } from './contributions-figure.ts';
import { html } from './escape.ts';
import { guardsSection } from './guards-section.ts';
import { experimentsSection } from './experiments-section.ts';
import { predictionsSection } from './predictions-figure.ts';
import { progressSection } from './progress-section.ts';
import type { ReportData } from './report-data.ts';
import { reproduceSection } from './reproduce-section.ts';
import { stagesSection } from './stages-section.ts';
import { STYLE } from './style.ts';

/** The whole page. No script, no request: the policy in its head forbids both. */
export function renderReport(data: ReportData): string {
  const { summary } = data;
  const title = `${summary.task.name} — ${summary.campaign}`;
  const made = new Date(data.now).toISOString();
  return html`<!doctype html>
    <html lang="en">
      <head>
        <meta charset="utf-8" />
        <meta name="viewport" content="width=device-width, initial-scale=1" />
        <meta name="color-scheme" content="light dark" />
        <meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'" />
        <title>${title}</title>
        ${STYLE}
      </head>
      <body>
        <main>
          ${championSection(data)} ${progressSection(data)} ${contributionsSection(data)} ${predictionsSection(data)}
          ${guardsSection(data)} ${stagesSection(data)} ${experimentsSection(data)} ${campaignSection(data)}
          ${reproduceSection(data)}
        </main>
        <footer>
          <p>
            Made from the event log of the campaign by Assay ${data.history.assayVersion},
            <time datetime="${made}">${made.slice(0, 16).replace('T', ' ')} UTC</time>.
          </p>
        </footer>
      </body>
    </html> `.text;
}
