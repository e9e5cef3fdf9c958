import type { Change, KnobValue } from '../domain/hypothesis.ts';

/** What a proposal changes, on one line. */
export function changeWords(change: Change): string {
  switch (change.type) {
    case 'none':
      return 'nothing';
    case 'knobs':
      return Object.entries(change.values)
        .map(([name, value]) => `${name} = ${knobWords(value)}`)
        .join(', ');
    case 'pattern':
      return `${change.action === 'apply' ? 'applies' : 'removes'} the pattern ${change.pattern}`;
    case 'merge':
      return `combines with ${change.otherExperiment}`;
    case 'undo':
      return `takes back ${change.experiment} (${changeWords(change.change)})`;
    case 'files':
      return `whole files: ${Object.keys(change.files).join(', ')}`;
    case 'diff':
      return 'a diff';
    default:
      return change satisfies never;
  }
}

function knobWords(value: KnobValue): string {
  return typeof value === 'string'
    ? JSON.stringify(value)
    : Array.isArray(value)
      ? `(${value.map(knobWords).join(', ')})`
      : String(value);
}
