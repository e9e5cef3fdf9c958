import type { Interval } from '../domain/hypothesis.ts';
import { wilsonInterval } from '../stats/wilson-interval.ts';
import type { CaseOutcome, HackCase } from './hack-ledger.ts';
import { withoutUndefined } from './results.ts';

/** A count out of a total, with its 95 % interval. Share and interval are absent when the total is 0: nothing is known. */
export interface Rate {
  readonly count: number;
  readonly total: number;
  readonly share?: number;
  readonly interval?: Interval;
}

/** How the audits of one version fared. A version is the catalogue in force: ids and versions of all audits. */
export interface VersionRates {
  /** Absent: cases before the first batch of their campaign. */
  readonly catalogue?: string;
  readonly assayVersions: readonly string[];
  readonly campaigns: readonly string[];
  readonly firstAt: number;
  readonly lastAt: number;
  /** Planted exploits that were stopped for the right reason. */
  readonly detection: Rate;
  /** Planted exploits that an expected audit only noted: nothing stopped them. No part of the detection. */
  readonly noted: Rate;
  /** Honest controls that were refused. */
  readonly falseAlarms: Rate;
}

export function rateOf(count: number, total: number): Rate {
  const interval = wilsonInterval(count, total);
  return { count, total, ...(interval ? { share: count / total, interval } : {}) };
}

/** Whether the case is one of the planted exploits, whose detection can be counted. */
export function isAttack({ source }: Pick<HackCase, 'source'>): boolean {
  return source === 'canary' || source === 'red-team';
}

/** Whether the case is an honest control, whose refusal is a false alarm. */
export function isControl({ source }: Pick<HackCase, 'source'>): boolean {
  return source === 'control' || source === 'red-team-control';
}

export function detectionRate(cases: readonly HackCase[]): Rate {
  return attackRate(cases, 'caught');
}

export function notedRate(cases: readonly HackCase[]): Rate {
  return attackRate(cases, 'noted');
}

function attackRate(cases: readonly HackCase[], wanted: CaseOutcome): Rate {
  const attacks = cases.filter(isAttack);
  return rateOf(attacks.filter(({ outcome }) => outcome === wanted).length, attacks.length);
}

export function falseAlarmRate(cases: readonly HackCase[]): Rate {
  const controls = cases.filter(isControl);
  return rateOf(controls.filter(({ outcome }) => outcome === 'refused').length, controls.length);
}

/** Detection and false alarms by version of the catalogue, the one that was used last first. Versions without guards are left out. */
export function ratesByVersion(cases: readonly HackCase[]): readonly VersionRates[] {
  const versions = new Map<string | undefined, HackCase[]>();
  for (const each of cases) {
    if (!isAttack(each) && !isControl(each)) continue;
    const before = versions.get(each.catalogue);
    if (before) before.push(each);
    else versions.set(each.catalogue, [each]);
  }
  return [...versions]
    .map(([catalogue, own]) =>
      withoutUndefined<VersionRates>({
        catalogue,
        assayVersions: distinct(own.map(({ assayVersion }) => assayVersion)),
        campaigns: distinct(own.map(({ campaign }) => campaign)),
        firstAt: own.reduce((first, { at }) => Math.min(first, at), Number.POSITIVE_INFINITY),
        lastAt: own.reduce((last, { at }) => Math.max(last, at), 0),
        detection: detectionRate(own),
        noted: notedRate(own),
        falseAlarms: falseAlarmRate(own),
      }),
    )
    .toSorted((a, b) => b.lastAt - a.lastAt);
}

function distinct(words: readonly string[]): readonly string[] {
  return [...new Set(words)];
}
