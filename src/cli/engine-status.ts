import { hostname } from 'node:os';
import { ENGINE_LEASE, isOwnerAlive } from '../engine/engine-lease.ts';
import type { LeaseOwner, Store } from '../store/store.ts';

export type EngineStatus =
  | { readonly status: 'running'; readonly owner: LeaseOwner }
  /** Another machine holds the lease; from here nothing more can be said. */
  | { readonly status: 'elsewhere'; readonly owner: LeaseOwner }
  /** It was killed: its lease is there, its process is not. */
  | { readonly status: 'killed'; readonly owner: LeaseOwner }
  | { readonly status: 'none' };

/** Whether an engine works on the campaign now: who holds the lease, and whether that very process is alive. */
export async function engineStatus(store: Store): Promise<EngineStatus> {
  const owner = await store.leaseHolder(ENGINE_LEASE);
  if (!owner) return { status: 'none' };
  if (owner.host !== hostname()) return { status: 'elsewhere', owner };
  return { status: isOwnerAlive(owner) ? 'running' : 'killed', owner };
}
