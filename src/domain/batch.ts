import type { ExperimentId } from './ids.ts';

/** A canary must be caught for the right reason; a control must pass. */
export interface GuardPlan {
  readonly experiment: ExperimentId;
  /** Of the exploit or the honest control in the red team's collection. */
  readonly id: string;
  readonly kind: 'canary' | 'control';
  /** Classes of attacks, as the literature numbers them. */
  readonly classes: readonly string[];
  /** Audits of which at least one must fire. Empty for a control. */
  readonly expects: readonly string[];
  /** The stage whose phases it goes through. */
  readonly stage: 'screen' | 'confirm';
  readonly trials: number;
}

/** Experiments that are guarded together: what a broken guard makes void. */
export interface Batch {
  /** 1, 2, … */
  readonly number: number;
  readonly guards: readonly GuardPlan[];
  /** Guards that have reported and were right. */
  readonly sound: readonly ExperimentId[];
  /** Hypotheses proposed in it. */
  readonly experiments: number;
  readonly openedAt: number;
  /** Why nothing in it counts. */
  readonly voided?: string;
  readonly closed: boolean;
  readonly unguarded?: string;
}

/** Whether every guard of a batch has reported and was right. */
export function isSound(batch: Batch): boolean {
  return batch.voided === undefined && batch.guards.every(({ experiment }) => batch.sound.includes(experiment));
}
