import type { AuditReport } from '../../domain/audit.ts';
import type { AssayEvent } from '../../domain/events.ts';
import type { CampaignState } from '../../domain/state.ts';
import { UserError } from '../../errors.ts';
import type { Workshop } from '../workshop/workshop.ts';
import type { GuardSource } from '../../audit/red-team/guard-source.ts';
import { openBatch } from './open-batch.ts';
import { voidBatch } from './void-batch.ts';

/** So many void batches one after the other end the engine: its guards are broken, and nothing that it decides would count. */
const MAX_VOIDS_IN_A_ROW = 2;

export interface BatchKeeperParts {
  readonly guards: GuardSource;
  /** Id and version of every audit. */
  readonly catalogue: Readonly<Record<string, number>>;
  /** Looks at what trials rely on: environment, data, the judge's own files. */
  readonly checkIntegrity: () => Promise<readonly AuditReport[]>;
  /** Audits that must report on the integrity. */
  readonly integrityAudits: readonly string[];
}

/** Opens and closes the batches of a campaign. Holds no state of its own: all of it is in the log. */
export class BatchKeeper {
  readonly #parts: BatchKeeperParts;

  constructor(parts: BatchKeeperParts) {
    this.#parts = parts;
  }

  /**
   * Events that open the next batch when one is due, and close the one before.
   *
   * @throws UserError `guards-failed` when batch after batch is void.
   */
  async open(state: CampaignState, workshop: Workshop, isProposing: boolean): Promise<readonly AssayEvent[]> {
    const { guards, catalogue } = this.#parts;
    const { batch } = state;
    const wanted = isProposing || (guards.withoutProposals === true && !batch);
    const isFull = !batch || batch.voided !== undefined || batch.closed || batch.experiments >= guards.batchSize;
    if (!state.noise || state.finished || !wanted || !isFull) return [];
    if (state.guards.voidsInARow >= MAX_VOIDS_IN_A_ROW) throw guardsFailed(state);
    const integrity = await this.#parts.checkIntegrity();
    const closing = batch && !batch.closed ? closeEvents(state, batch.number, this.#problem(integrity), integrity) : [];
    const number = (batch?.number ?? 0) + 1;
    const opening = await openBatch(
      state,
      {
        number,
        cases: guards.pick(number),
        ...(guards.unguarded === undefined ? {} : { unguarded: guards.unguarded }),
        catalogue,
        integrity,
      },
      workshop,
    );
    const missed = opening.find((event) => event.type === 'guard.reported' && !event.ok);
    const broken = this.#problem(integrity) ?? (missed?.type === 'guard.reported' ? missed.detail : undefined);
    const voided: AssayEvent[] = broken === undefined ? [] : [{ type: 'batch.voided', batch: number, reason: broken }];
    return [...closing, ...opening, ...voided];
  }

  /**
   * Events that close the last batch when a campaign ends; none when it is closed already.
   *
   * @throws UserError `guards-failed` when batch after batch was void.
   */
  async close(state: CampaignState): Promise<readonly AssayEvent[]> {
    const { batch } = state;
    if (state.guards.voidsInARow >= MAX_VOIDS_IN_A_ROW) throw guardsFailed(state);
    if (!batch || batch.closed) return [];
    const integrity = await this.#parts.checkIntegrity();
    return closeEvents(state, batch.number, this.#problem(integrity), integrity);
  }

  /** What is wrong with the integrity: something fired, or somebody who had to look did not. */
  #problem(reports: readonly AuditReport[]): string | undefined {
    const fired = reports.find(({ finding }) => finding === 'fired');
    if (fired) return `${fired.audit}: ${fired.detail}`;
    const silent = this.#parts.integrityAudits.filter((id) => !reports.some(({ audit }) => audit === id));
    return silent.length === 0 ? undefined : `silent guards: ${silent.join(', ')}`;
  }
}

function closeEvents(
  state: CampaignState,
  batch: number,
  problem: string | undefined,
  audits: readonly AuditReport[],
): readonly AssayEvent[] {
  const voided = problem === undefined ? [] : voidBatch(state, batch, problem);
  return [...voided, { type: 'batch.closed', batch, audits }];
}

function guardsFailed(state: CampaignState): UserError {
  return new UserError(
    'guards-failed',
    `${state.guards.voidsInARow} batches in a row are void, the last one because of ${state.batch?.voided ?? 'its guards'}`,
    'nothing that was decided in them counts; see the guards with "assay hacks", mend what is broken, then resume',
  );
}
