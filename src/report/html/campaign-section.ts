import { count, showP, showPercent, showSeconds } from '../numbers.ts';
import { html, type Html } from './escape.ts';
import { verdictTag } from './parts.ts';
import type { ReportData } from './report-data.ts';
import type { VerdictKind } from '../../domain/verdict.ts';

const MEANING: Readonly<Record<VerdictKind, string>> = {
  keep: 'replicated, and confirmed on fresh seeds',
  'near-miss': 'promising, but not established',
  inconclusive: 'not settled by what was spent on it',
  discard: 'no gain worth its cost',
  'suspected-hack': 'scored by other means than the task asks for',
  failed: 'crashed, timed out or could not be built; counted like every run',
};

/** The campaign's verdicts, its error budget and its limits. */
export function campaignSection({ summary, history }: ReportData): Html {
  const { verdicts, tests, limits, task } = summary;
  const total = Object.values(verdicts).reduce((sum, number) => sum + number, 0);
  const kinds = (Object.keys(MEANING) as VerdictKind[]).filter((kind) => verdicts[kind] > 0);
  const limit = [
    limits.experiments === undefined ? undefined : count(limits.experiments, 'experiment'),
    limits.minutes === undefined ? undefined : showSeconds(limits.minutes * 60),
  ].filter((words) => words !== undefined);
  return html`<section>
    <h2>The campaign</h2>
    <table>
      <thead>
        <tr>
          <th scope="col">Verdict</th>
          <th scope="col" class="num">experiments</th>
          <th scope="col" class="num">share</th>
          <th scope="col">means</th>
        </tr>
      </thead>
      <tbody>
        ${kinds.map(
          (kind) =>
            html`<tr>
              <th scope="row">${verdictTag({ verdict: kind })}</th>
              <td class="num">${verdicts[kind]}</td>
              <td class="num wide-only">${showPercent(verdicts[kind] / total)}</td>
              <td>${MEANING[kind]}</td>
            </tr>`,
        )}
      </tbody>
    </table>
    <dl class="facts">
      <dt>False discoveries</dt>
      <dd>
        ${count(tests.count, 'test')} begun, ${count(tests.rejections, 'keep')} that
        count${summary.retractions > 0 && ` (${count(summary.retractions, 'keep')} fell)`}; the levels granted add up to
        ${showP(tests.levelGranted) || '0'}, from a budget laid out for ${tests.horizon} tests before the first
      </dd>
      <dt>Repeats</dt>
      <dd>${count(summary.rejectedProposals, 'proposal')} turned back before a run</dd>
      <dt>Attempts</dt>
      <dd>${summary.attempts} for ${count(summary.trials, 'planned trial')}</dd>
      ${
        summary.perKeep &&
        html`<dt>Cost of a keep</dt>
          <dd>
            ${Number(summary.perKeep.trials.toPrecision(3))} trials and ${showSeconds(summary.perKeep.seconds)} of trial
            time for each of the ${count(summary.perKeep.keeps, 'keep')} that stand, all that was tried included
          </dd>`
      }
      <dt>Limits</dt>
      <dd>${limit.length > 0 ? limit.join(' or ') : 'none'}</dd>
      <dt>Begun</dt>
      <dd>${new Date(summary.createdAt).toISOString().slice(0, 16).replace('T', ' ')} UTC</dd>
      <dt>Task</dt>
      <dd>${task.name}, starting point ${task.start}, files <code>${task.hash.slice(0, 12)}</code></dd>
      <dt>Assay</dt>
      <dd>${history.assayVersion}</dd>
    </dl>
  </section>`;
}
