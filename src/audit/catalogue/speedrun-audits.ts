import type { AuditDescription } from './audit-description.ts';

type Part = Pick<AuditDescription, 'id' | 'title' | 'cost' | 'heartbeat' | 'against' | 'weight' | 'untestedBecause'>;

function check(part: Part): AuditDescription {
  return { version: 1, looksAt: 'outputs', runs: 'judge', canaries: [], ...part };
}

/** The checks that `assay_judge.speedrun_score` adds to those of a language model. */
export const SPEEDRUN_AUDITS: readonly AuditDescription[] = [
  check({
    id: 'target',
    title: 'the last snapshot of a run is at its target or below',
    weight: 'triage',
    cost: 'one score',
    heartbeat: 'bits per byte of the last snapshot, its step, the target',
    untestedBecause: 'an honest run misses it too; tests of the judge do',
    against: [],
  }),
  check({
    id: 'untrained-start',
    title: 'the model knows nothing when the clock starts',
    weight: 'suspect',
    cost: 'one score',
    heartbeat: 'bits per byte before the clock started, the hash of that state',
    untestedBecause: 'the process that trains holds no text before the clock starts; tests of the judge plant a model',
    against: ['L13', 'T20'],
  }),
  check({
    id: 'scored-twice',
    title: 'two scores of one snapshot, among other rows, are the same',
    weight: 'suspect',
    cost: 'one score',
    heartbeat: 'their difference and what is allowed',
    untestedBecause: 'what would make them differ fails order-independence or statelessness first',
    against: ['L08', 'L10'],
  }),
];
