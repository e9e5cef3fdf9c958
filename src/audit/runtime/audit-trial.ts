import type { AuditReport } from '../../domain/audit.ts';
import type { SandboxKind } from '../../domain/trial.ts';
import { contextOf, reportOf, type AuditedPhase, type AuditedTrial } from './audited-trial.ts';
import { claimVersusResult, doubledClaims, outputLimits } from './claim-audits.ts';
import { forbiddenPaths, leftoverFiles, network, persistence } from './place-audits.ts';
import { endedByItself, leftoverProcesses, processCensus, threadCensus } from './process-audits.ts';
import { claimedTime, clockIntegrity, overtime, untimedWork } from './time-audits.ts';

/**
 * What the runtime audits say of an ended trial. Pure. An audit reports once for all processes that it looks at; where one of them was
 * not observed it says nothing, so that its silence can be seen.
 */
export function auditTrial(trial: AuditedTrial): readonly AuditReport[] {
  const context = contextOf(trial);
  if (context === undefined) return [];
  const { candidates, phases, resources } = context;
  const isSealed = context.sandbox === 'bubblewrap';
  const mains = candidates.filter(({ role }) => role === 'main');
  const timed = mains.filter(({ phase }) => phase.budget !== undefined);
  const sealed = isSealed ? candidates : [];
  const one = <Part>(finding: Part | undefined): Part[] => (finding === undefined ? [] : [finding]);
  return [
    ...reportOf(
      'process-census',
      candidates.map((member) => processCensus(member, resources)),
    ),
    ...reportOf(
      'thread-census',
      candidates.map((member) => threadCensus(member, resources)),
    ),
    ...reportOf('leftover-processes', mains.filter(endedByItself).map(leftoverProcesses)),
    ...reportOf('leftover-files', phases.filter(({ phase }) => runsCandidate(phase)).map(leftoverFiles)),
    ...reportOf('network', sealed.map(network)),
    ...reportOf('forbidden-paths', sealed.map(forbiddenPaths)),
    ...reportOf(
      'persistence',
      sealed.map((member) => persistence(member, context)),
    ),
    ...reportOf(
      'clock-integrity',
      phases.map(({ phase, end }) => clockIntegrity(phase, end)),
    ),
    ...reportOf('untimed-work', timed.map(untimedWork)),
    ...reportOf(
      'overtime',
      timed.map((member) => overtime(member, context)),
    ),
    ...reportOf('output-limits', one(outputLimits(context))),
    ...reportOf('claimed-time', one(claimedTime(context))),
    ...(mains.length > 0 ? reportOf('claim-vs-result', one(claimVersusResult(context))) : []),
    ...(mains.length > 0 ? reportOf('doubled-claims', one(doubledClaims(context))) : []),
  ];
}

export interface ExpectedAuditsInput {
  readonly sandbox: SandboxKind;
  /** Those of the trial's stage. */
  readonly phases: readonly AuditedPhase[];
  /** As `process.platform` says it. */
  readonly os: string;
}

/** Audits that must have reported on a trial whose phases all ran and that has a result. */
export function expectedRuntimeAudits({ sandbox, phases, os }: ExpectedAuditsInput): readonly string[] {
  const mains = phases.filter(({ trust }) => trust === 'candidate');
  const hasCandidate = phases.some(runsCandidate);
  const isTimed = mains.some(({ budget }) => budget !== undefined);
  // Everything about processes comes from /proc.
  const isSeen = os === 'linux';
  const isSealed = isSeen && sandbox === 'bubblewrap';
  return [
    ...(isSeen ? ['clock-integrity'] : []),
    ...(isSeen && hasCandidate ? ['process-census', 'thread-census', 'leftover-files'] : []),
    ...(isSeen && mains.length > 0 ? ['leftover-processes'] : []),
    ...(isSealed && hasCandidate ? SEALED_ONLY : []),
    ...(isSeen && isTimed ? ['untimed-work', 'overtime'] : []),
    ...(mains.length > 0 ? ['output-limits', 'claimed-time', 'claim-vs-result', 'doubled-claims'] : []),
  ];
}

function runsCandidate({ trust, peer }: AuditedPhase): boolean {
  return trust === 'candidate' || peer?.trust === 'candidate';
}

const SEALED_ONLY = ['network', 'forbidden-paths', 'persistence'] as const;

/** Audits that a stronger sandbox or another machine would have made possible: a verdict names them. */
export function runtimeAuditsOutOfReach(input: ExpectedAuditsInput): readonly string[] {
  const possible = expectedRuntimeAudits({ ...input, sandbox: 'bubblewrap', os: 'linux' });
  const expected = new Set(expectedRuntimeAudits(input));
  return possible.filter((id) => !expected.has(id));
}
