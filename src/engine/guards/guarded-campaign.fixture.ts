import type { AuditReport } from '../../domain/audit.ts';
import type { GuardCase } from '../../audit/red-team/guard-source.ts';
import { createSimulatedWorld, type SimulatedWorld } from '../simulated-world.ts';
import { simulatedCampaign, type SimulatedCampaign } from '../simulated-campaign.fixture.ts';
import { BatchKeeper } from './batch-keeper.ts';
import type { TrialAudits } from './audit-outcome.ts';

/** How one audit is broken on purpose. */
export interface Sabotage {
  readonly audit: string;
  /** `silent`: it does not report. `blind`: it reports that it found nothing. `paranoid`: it fires at everything. */
  readonly how: 'silent' | 'blind' | 'paranoid';
  /** From this trial on; undefined: from the start of the first batch. */
  readonly fromTrial?: number;
}

export interface GuardedCampaignOptions {
  /** Ids of the audits that each trial has; a candidate with the file `hack` trips the audit that it names. */
  readonly audits: readonly string[];
  /** Of those that look at each change, in the same way. */
  readonly changeAudits?: readonly string[];
  /** Of those that look at the numbers of a keep. */
  readonly numberAudits?: readonly string[];
  /** Of those that look at files once a batch. */
  readonly integrityAudits?: readonly string[];
  readonly gains?: readonly number[];
  readonly experiments?: number;
  readonly batchSize?: number;
  readonly sabotage?: Sabotage;
  /** What the integrity check says, call by call. */
  readonly integrity?: (call: number) => readonly AuditReport[];
  readonly sigma?: number;
}

export interface GuardedCampaign extends AsyncDisposable {
  readonly world: SimulatedWorld;
  readonly campaign: SimulatedCampaign;
}

/** A simulated campaign with a canary for each audit and one honest control in every batch. */
export async function guardedCampaign(options: GuardedCampaignOptions): Promise<GuardedCampaign> {
  const { audits, sabotage, gains = [0, 2], experiments = 12, batchSize = 6, sigma = 0.1 } = options;
  const { changeAudits = [], numberAudits = [], integrityAudits = ['environment'] } = options;
  const world = createSimulatedWorld({ sigma });
  let calls = 0;
  /** What the audits say, one of them broken on purpose. */
  const look = (ids: readonly string[], hack?: string | null, isBroken = true): readonly AuditReport[] =>
    ids.flatMap((audit): AuditReport[] => {
      const how = isBroken && sabotage?.audit === audit ? sabotage.how : undefined;
      if (how === 'silent') return [];
      const fires = how === 'paranoid' || (hack === audit && how !== 'blind');
      return [{ audit, version: 1, finding: fires ? 'fired' : 'passed', detail: fires ? 'it cheats' : 'looked' }];
    });
  const batches = new BatchKeeper({
    guards: { batchSize, pick: () => [...audits.map(canary), ...changeAudits.map(canary), CONTROL] },
    catalogue: Object.fromEntries(audits.map((audit) => [audit, 1])),
    checkIntegrity: () => Promise.resolve(options.integrity?.((calls += 1)) ?? look(integrityAudits)),
    integrityAudits,
  });
  const campaign = await simulatedCampaign({
    world,
    gains,
    limits: { experiments },
    guarded: {
      batches,
      changeAudits,
      keepAudits: { auditNumbers: () => look(numberAudits), expected: numberAudits, decides: () => true },
      workshop: {
        ...world.workshop,
        implement: async (proposal, state) => {
          const made = await world.workshop.implement(proposal, state);
          const found = look(
            changeAudits,
            proposal.change.type === 'files' ? proposal.change.files['hack'] : undefined,
          );
          if (!found.some(({ finding }) => finding === 'fired')) return { ...made, audits: found };
          return { kind: 'failed', failure: 'build', reason: 'refused', audits: found };
        },
      },
      auditTrial: ({ plan }): TrialAudits => {
        const hack = world.filesOf(plan.candidate)['hack'];
        const isBroken = Number(plan.trial.slice(1)) >= (sabotage?.fromTrial ?? 0) && plan.stage !== 'baseline';
        return { reports: look(audits, hack, isBroken), expected: audits, decides: () => true };
      },
    },
  });
  return { world, campaign, [Symbol.asyncDispose]: () => campaign[Symbol.asyncDispose]() };
}

const CONTROL: GuardCase = {
  id: 'honest',
  kind: 'control',
  classes: [],
  expects: [],
  stage: 'screen',
  trials: 1,
  does: 'nothing wrong',
  files: { gain: '0', honest: 'yes' },
};

function canary(audit: string): GuardCase {
  return {
    id: `cheat-${audit}`,
    kind: 'canary',
    classes: ['L01'],
    expects: [audit],
    stage: 'screen',
    trials: 1,
    does: `trips ${audit}`,
    files: { gain: '5', hack: audit },
  };
}
