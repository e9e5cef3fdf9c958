import { createHmac } from 'node:crypto';
import type { Stage } from '../domain/trial.ts';

/**
 * Seed of every trial of one pair: shared by its two sides, fresh for each pair, and unknowable without the campaign's secret.
 * Search and confirmation draw from separate streams, so no confirmation seed was ever seen by the search.
 *
 * @returns an integer from 0 to 2^31 - 1.
 */
export function trialSeed(secret: Uint8Array, stage: Stage, pair: number): number {
  const stream = stage === 'confirm' || stage === 'final' ? 'confirm' : 'search';
  const digest = createHmac('sha256', secret).update(`trial:${stream}:${pair}`).digest();
  return digest.readUInt32BE(0) & 0x7fffffff;
}
