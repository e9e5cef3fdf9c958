/** What one audit said of one candidate. That it is there is the audit's heartbeat: an audit that is silent has not run. */
export interface AuditReport {
  /** An id of the catalogue (src/audit/catalogue). */
  readonly audit: string;
  readonly version: number;
  /** `passed`: it ran and found nothing. `noted`: worth a look, decides nothing. `fired`: an honest candidate does not do this. */
  readonly finding: 'passed' | 'noted' | 'fired';
  /** What it looked at, in numbers, so that "ran and found nothing" can be told from "looked at nothing". */
  readonly detail: string;
}
