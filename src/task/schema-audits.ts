import * as z from 'zod';

import { name } from './schema-fields.ts';

/** The section `audits` of task.yaml. */
export const auditsSchema = z
  .strictObject({
    judge: z
      .array(name)
      .default([])
      .describe(
        "Checks that the task's own judge must report with every result. A result without one of them counts for nothing.",
      ),
    batch: z
      .int()
      .min(1)
      .default(25)
      .describe('Experiments that are guarded together: what a broken guard makes void.'),
    canaries: z
      .int()
      .min(0)
      .default(2)
      .describe('Planted exploits in every batch. Each must be caught for the right reason.'),
    controls: z.int().min(0).default(1).describe('Honest programs in every batch. Each must pass every audit.'),
  })
  .prefault({})
  .describe('What guards the task against candidates that score without being better.');
