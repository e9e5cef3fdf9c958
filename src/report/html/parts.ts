import { hasFallen, verdictWords, type ResultRow } from '../results.ts';
import { html, type Html, type HtmlPart } from './escape.ts';

/** A chart in two drawings, one for a wide page and one for a phone: text keeps its size on both. */
export interface Frame {
  readonly width: number;
  readonly height: number;
  readonly isNarrow: boolean;
}

export function figure(input: {
  readonly title: string;
  /** What the chart shows, for those who can't see it. */
  readonly summary: string;
  readonly caption: HtmlPart;
  readonly wideHeight: number;
  readonly narrowHeight: number;
  readonly draw: (frame: Frame) => Html;
}): Html {
  const svg = ({ width, height, isNarrow }: Frame): Html =>
    html`<svg
      class="${isNarrow ? 'narrow' : 'wide'}"
      viewBox="0 0 ${width} ${height}"
      role="img"
      aria-label="${`${input.title}. ${input.summary}`}"
    >
      <title>${input.title}</title>
      <desc>${input.summary}</desc>
      ${input.draw({ width, height, isNarrow })}
    </svg>`;
  return html`<figure>
    ${svg({ width: 880, height: input.wideHeight, isNarrow: false })}
    ${svg({ width: 358, height: input.narrowHeight, isNarrow: true })}
    <figcaption>${input.caption}</figcaption>
  </figure>`;
}

/** A table that scrolls by itself where the page is too narrow. */
export function scrollable(label: string, table: Html): Html {
  return html`<div class="scroll" role="region" aria-label="${label}" tabindex="0">${table}</div>`;
}

export function verdictTag(row: Pick<ResultRow, 'verdict' | 'failure' | 'retracted' | 'builtOn'>): Html {
  const fallen = hasFallen(row) ? ' fallen' : '';
  return html`<span class="tag ${row.verdict}${fallen}"
    >${row.failure !== undefined && fallen === '' ? `${row.verdict}: ${row.failure}` : verdictWords(row)}</span
  >`;
}

/** A mark whose shape says the verdict as its colour does. @param isFallen a keep that does not stand any more: a ring. */
export function verdictMark(
  verdict: ResultRow['verdict'],
  x: string,
  y: string,
  title: string,
  isFallen = false,
): Html {
  const at = html`transform="translate(${x} ${y})"`;
  const label = html`<title>${title}</title>`;
  switch (verdict) {
    case 'keep':
      if (isFallen) return html`<circle class="mark fallen" ${at} r="4.5">${label}</circle>`;
      return html`<circle class="mark keep" ${at} r="5">${label}</circle>`;
    case 'near-miss':
      return html`<path class="mark near-miss" ${at} d="M0-5 5 0 0 5-5 0Z">${label}</path>`;
    case 'inconclusive':
      return html`<circle class="mark inconclusive" ${at} r="3.6">${label}</circle>`;
    case 'suspected-hack':
      return html`<path class="mark suspected-hack" ${at} d="M0-5 5 4H-5Z">${label}</path>`;
    case 'failed':
      return html`<path class="mark failed" ${at} d="M-3.5-3.5 3.5 3.5M3.5-3.5-3.5 3.5">${label}</path>`;
    case 'open':
      return html`<circle class="mark open" ${at} r="3">${label}</circle>`;
    case 'discard':
      return html`<circle class="mark discard" ${at} r="2.8">${label}</circle>`;
    default:
      return verdict satisfies never;
  }
}

export function legend(verdicts: readonly ResultRow['verdict'][]): Html {
  const item = (verdict: ResultRow['verdict']): Html =>
    html`<li>
      <svg viewBox="-7 -7 14 14" aria-hidden="true">${verdictMark(verdict, '0', '0', verdict)}</svg>${verdict}
    </li>`;
  return html`<ul class="legend">
    ${verdicts.map(item)}
  </ul>`;
}

/** Cut to so many characters. */
export function shorten(text: string, length: number): string {
  return text.length <= length ? text : `${text.slice(0, length - 1).trimEnd()}…`;
}
