import { createHmac } from 'node:crypto';

/**
 * The seed of the judge's own sampling. The candidate knows the trial's seed and our source, so what separates the two is the
 * campaign's secret. It is the same for both arms of a pair, whose trials share their seed.
 *
 * @param secret the campaign's; at least 16 bytes, never given to any process.
 * @returns a whole number in [0, 2^48).
 */
export function judgeSeed(secret: string | Uint8Array, trialSeed: number): number {
  return createHmac('sha256', secret).update(`judge-seed:${trialSeed}`).digest().readUIntBE(0, 6);
}
