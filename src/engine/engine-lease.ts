import { randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { UserError } from '../errors.ts';
import type { Lease, LeaseOwner, Store } from '../store/store.ts';

export const ENGINE_LEASE = 'engine';
const TTL_MS = 30_000;
const RENEW_MS = 5_000;

/** A held lease that renews itself. `lost` aborts when another engine took over; appends are refused from then on anyway. */
export interface HeldLease extends AsyncDisposable {
  readonly lease: Lease;
  readonly lost: AbortSignal;
}

/**
 * Makes this process the campaign's engine. A killed engine on this machine is replaced at once; one on another machine when its
 * lease has run out.
 *
 * @throws UserError `campaign-busy` while another engine lives.
 */
export async function holdEngineLease(store: Store, campaign: string): Promise<HeldLease> {
  const attempt = await store.acquireLease(ENGINE_LEASE, thisProcess(), TTL_MS, isOwnerAlive);
  if (!attempt.granted) {
    const { pid, host } = attempt.heldBy;
    throw new UserError(
      'campaign-busy',
      `campaign '${campaign}' is being run by process ${pid} on ${host}`,
      'watch it with "assay status" or "assay log --follow", or stop it with "assay stop"',
    );
  }
  const { lease } = attempt;
  const lost = new AbortController();
  const timer = setInterval(() => {
    store.renewLease(lease, TTL_MS).then(
      (held) => {
        if (!held)
          lost.abort(
            new UserError(
              'lease-lost',
              `another engine took over campaign '${campaign}'`,
              'nothing is lost: it goes on there',
            ),
          );
      },
      (error: unknown) => lost.abort(error),
    );
  }, RENEW_MS);
  timer.unref();
  return {
    lease,
    lost: lost.signal,
    [Symbol.asyncDispose]: async () => {
      clearInterval(timer);
      await store.releaseLease(lease).catch(() => {});
    },
  };
}

function thisProcess(): LeaseOwner {
  return { id: randomUUID(), host: hostname(), pid: process.pid, processStart: processStart(process.pid) ?? 0 };
}

/** Of an owner on another machine nothing is known but its lease. */
export function isOwnerAlive(owner: LeaseOwner): boolean {
  return owner.host !== hostname() || processStart(owner.pid) === owner.processStart;
}

/** Start time in clock ticks since boot (field 22 of /proc/PID/stat). Undefined: no such process, or only its zombie. */
function processStart(pid: number): number | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'latin1');
    const [state, ...fields] = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    return state === 'Z' || state === 'X' ? undefined : Number(fields[18]);
  } catch {
    return undefined;
  }
}
