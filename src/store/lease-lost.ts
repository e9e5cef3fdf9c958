import { UserError } from '../errors.ts';
import type { Lease, LeaseOwner } from './store.ts';

/** What `append` throws when another engine has taken over. */
export function leaseLost(lease: Lease, holder: LeaseOwner | undefined): UserError {
  const now = holder === undefined ? 'nobody holds it now' : `process ${holder.pid} on ${holder.host} holds it now`;
  return new UserError(
    'lease-lost',
    `The lease '${lease.name}' (epoch ${lease.epoch}) is no longer this engine's: ${now}. Nothing was written.`,
    'Another engine runs this campaign. Watch it with: assay status',
  );
}
