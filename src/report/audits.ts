import type { AuditReport } from '../domain/audit.ts';
import type { EventOf } from '../domain/events.ts';
import type { Stage } from '../domain/trial.ts';
import type { EventRecord } from '../store/store.ts';
import { count, showGain, showInterval, showP } from './numbers.ts';

/** What one audit said of all trials of an experiment. */
export interface TrialAuditRow {
  readonly audit: string;
  /** Several when the catalogue changed between trials. */
  readonly versions: readonly number[];
  readonly passed: number;
  readonly noted: number;
  readonly fired: number;
  /** Of the gravest report. */
  readonly detail: string;
}

/** Everything that the audits said of one experiment. Empty lists in logs of versions that had none. */
export interface ExperimentAudits {
  /** Of the change itself. */
  readonly change: readonly AuditReport[];
  readonly trials: readonly TrialAuditRow[];
  /** Ended trials of the candidate that bear audits, by stage. */
  readonly trialsAudited: Readonly<Partial<Record<Stage, number>>>;
  /** Of the experiment as a whole: before it was kept, and again. */
  readonly looks: readonly {
    readonly at: number;
    readonly occasion: EventOf<'experiment.audited'>['occasion'];
    readonly audits: readonly AuditReport[];
  }[];
  readonly reproductions: readonly (Omit<EventOf<'experiment.reproduced'>, 'type' | 'experiment'> & {
    readonly at: number;
  })[];
  readonly guard?: Omit<EventOf<'guard.reported'>, 'type' | 'experiment'>;
}

const GRAVITY: Readonly<Record<AuditReport['finding'], number>> = { passed: 0, noted: 1, fired: 2 };

/** @param records every event about the experiment: `store.read({ experiment })`. */
export async function experimentAudits(
  records: AsyncIterable<EventRecord> | Iterable<EventRecord>,
): Promise<ExperimentAudits> {
  let change: readonly AuditReport[] = [];
  let guard: ExperimentAudits['guard'];
  const rows = new Map<string, TrialAuditRow>();
  const gravest = new Map<string, number>();
  const stages = new Map<string, Stage>();
  const trialsAudited: Partial<Record<Stage, number>> = {};
  const looks: ExperimentAudits['looks'][number][] = [];
  const reproductions: ExperimentAudits['reproductions'][number][] = [];
  for await (const { event, at } of records) {
    switch (event.type) {
      case 'experiment.implemented':
        change = event.audits ?? [];
        break;
      case 'trial.planned':
        // Trials of the reference say nothing of this candidate.
        if (event.plan.arm === 'candidate') stages.set(event.plan.trial, event.plan.stage);
        break;
      case 'trial.finished': {
        const stage = stages.get(event.trial);
        const { audits } = event.outcome.facts;
        if (stage === undefined || audits === undefined) break;
        trialsAudited[stage] = (trialsAudited[stage] ?? 0) + 1;
        for (const report of audits) addReport(rows, gravest, report);
        break;
      }
      case 'experiment.audited':
        looks.push({ at, occasion: event.occasion, audits: event.audits });
        break;
      case 'experiment.reproduced': {
        const { type: _, experiment: __, ...facts } = event;
        reproductions.push({ at, ...facts });
        break;
      }
      case 'guard.reported': {
        const { type: _, experiment: __, ...facts } = event;
        guard = facts;
        break;
      }
      default:
    }
  }
  const trials = [...rows.values()].toSorted(
    (a, b) => b.fired - a.fired || b.noted - a.noted || a.audit.localeCompare(b.audit),
  );
  return { change, trials, trialsAudited, looks, reproductions, ...(guard ? { guard } : {}) };
}

function addReport(rows: Map<string, TrialAuditRow>, gravest: Map<string, number>, report: AuditReport): void {
  const { audit, version, finding, detail } = report;
  const before = rows.get(audit) ?? { audit, versions: [], passed: 0, noted: 0, fired: 0, detail };
  const isGraver = GRAVITY[finding] > (gravest.get(audit) ?? -1);
  if (isGraver) gravest.set(audit, GRAVITY[finding]);
  rows.set(audit, {
    ...before,
    versions: before.versions.includes(version) ? before.versions : [...before.versions, version],
    [finding]: before[finding] + 1,
    detail: isGraver ? detail : before.detail,
  });
}

/** A reproduction in one sentence. */
export function reproductionWords(
  { holds, gain, interval, p, pairs, device, detail }: Omit<ExperimentAudits['reproductions'][number], 'at'>,
  decimals?: number,
): string {
  const numbers =
    gain === undefined
      ? ''
      : `${showGain(gain, decimals)} (95 % interval ${showInterval(interval, decimals)}), p ${showP(p)}, `;
  return [`${holds ? 'holds' : 'does NOT hold'}: ${numbers}${count(pairs, 'pair')} on ${device}`, detail]
    .filter(Boolean)
    .join('; ');
}
