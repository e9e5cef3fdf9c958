import { reproductionWords } from '../audits.ts';
import { detectionRate, falseAlarmRate, isAttack, isControl, notedRate, type Rate } from '../hack-rates.ts';
import type { HackCase } from '../hack-ledger.ts';
import { count, showPercent, showSeconds } from '../numbers.ts';
import { html, type Html } from './escape.ts';
import { scrollable } from './parts.ts';
import type { ReportData } from './report-data.ts';

/** A campaign of many batches has many guards: the page shows what went wrong whole, what went right as numbers. */
const MOST_CASES = 60;

/** What proves that the audits worked, what they found, and what was taken back. Undefined: the log is of a version without audits. */
export function guardsSection(data: ReportData): Html | undefined {
  const { summary, cases, reproductions, decimals } = data;
  const { batches, unguarded } = summary.guards;
  const notable = cases.filter(({ outcome }) => outcome !== 'caught' && outcome !== 'passed');
  if (batches.total === 0 && notable.length === 0 && reproductions.length === 0) return undefined;
  const shown = notable.slice(-MOST_CASES);
  return html`<section>
    <h2>Guards</h2>
    ${
      batches.total > 0 &&
      html`<p>
        Experiments are guarded in batches: planted exploits must be caught for the right reason and honest programs
        must pass, or nothing in the batch counts.
      </p>`
    }
    ${unguarded !== undefined && html`<p class="note" role="note">The latest batch has no guards: ${unguarded}</p>`}
    <dl class="facts">
      ${
        batches.total > 0 &&
        html`<dt>Batches</dt>
          <dd>
            ${batches.total}: ${batches.sound} sound, ${batches.void}
            void${batches.open > 0 && `, ${batches.open} not yet decided`}
          </dd>
          <dt>Exploits caught</dt>
          <dd>${rateWords(detectionRate(cases))}${secondsWords(cases.filter(isAttack))}</dd>
          <dt>Exploits only noted</dt>
          <dd>${rateWords(notedRate(cases))}</dd>
          <dt>Honest refused</dt>
          <dd>${rateWords(falseAlarmRate(cases))}${secondsWords(cases.filter(isControl))}</dd>`
      }
      <dt>Retracted</dt>
      <dd>${count(summary.retractions, 'keep')}</dd>
      ${reproductions.map(
        (one) =>
          html`<dt>${one.experiment} rebuilt</dt>
            <dd>${reproductionWords(one, decimals)}</dd>`,
      )}
    </dl>
    ${shown.length > 0 && caseTable(shown, notable.length)}
  </section>`;
}

/** `12 of 12 (100 %; 95 % interval 76 % to 100 %)`. */
export function rateWords({ count: number, total, share, interval }: Rate): string {
  if (share === undefined || !interval) return 'none ran';
  return `${number} of ${total} (${showPercent(share)}; 95 % interval ${showPercent(interval.low)} to ${showPercent(interval.high)})`;
}

function secondsWords(cases: readonly HackCase[]): string {
  const seconds = cases.reduce((sum, each) => sum + (each.seconds ?? 0), 0);
  return seconds > 0 ? `, ${showSeconds(seconds)} of trials` : '';
}

function caseTable(shown: readonly HackCase[], total: number): Html {
  const caption = `What was found, refused or taken back (${total})`;
  return scrollable(
    caption,
    html`<table class="full">
      <caption>
        ${caption}
      </caption>
      <thead>
        <tr>
          <th scope="col"></th>
          <th scope="col">what became of it</th>
          <th scope="col" class="wide-only">by</th>
          <th scope="col">what was tried, and what was seen</th>
        </tr>
      </thead>
      <tbody>
        ${shown.map(
          (each) =>
            html`<tr>
              <th scope="row">${each.experiment}</th>
              <td>${(each.outcome as string) === each.source ? each.outcome : `${each.outcome} (${each.source})`}</td>
              <td class="wide-only">${each.caughtBy.join(', ')}</td>
              <td class="text">${each.statement}: ${each.detail}</td>
            </tr>`,
        )}
      </tbody>
    </table>`,
  );
}
