import type { PublicClaim, Verification } from './claim.ts';
import { checkNanochat } from './nanochat.ts';
import { checkTrack1 } from './track-1.ts';
import { checkTrack3 } from './track-3.ts';

/** Checks a claim with the contract of its benchmark. Pure: the same numbers give the same answer, on any machine. */
export function checkClaim(claim: PublicClaim): Verification {
  switch (claim.contract) {
    case 'speedrun-track-1':
      return checkTrack1(claim);
    case 'speedrun-track-3':
      return checkTrack3(claim);
    case 'nanochat':
      return checkNanochat(claim);
  }
}
