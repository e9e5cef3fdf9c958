import * as z from 'zod';

const finite = z.number();
const count = z.int().min(1);

/** Every value is best; statistics are for claims whose values were not published. */
function measured(unit: string): z.ZodType<number[] | { n: number; mean: number; sd?: number | undefined }> {
  return z
    .union([z.array(finite).min(1), z.strictObject({ n: count, mean: finite, sd: z.number().min(0).optional() })], {
      error: `a list of numbers (${unit}, one a run), or {n, mean, sd} where only these are public`,
    })
    .describe(`In ${unit}: a list with one number a run, or {n, mean, sd} where only these are public.`);
}

const about = {
  title: z.string().min(1).optional().describe('What is claimed, in a line.'),
  source: z.string().min(1).optional().describe('Where the numbers were published.'),
  note: z.string().optional().describe('Anything else that a reader should know.'),
  expect: z
    .enum(['accepted', 'rejected', 'valid-but-not-pairwise-significant', 'unusable'])
    .optional()
    .describe('The outcome that `assay verify --public` holds the claim to.'),
};

const track3Side = z.strictObject({ loss: measured('nats per token'), steps: count });

const nanochatSide = {
  bpb: measured('bits per byte'),
  seeds: z.array(z.int()).min(1).optional().describe('The seed of each run.'),
};

/** The claim file of each contract as people write it. */
export const CLAIM_SCHEMAS = {
  'speedrun-track-1': z.strictObject({
    contract: z.literal('speedrun-track-1'),
    ...about,
    claim: z.strictObject({ loss: measured('nats per token'), seconds: measured('seconds').optional() }),
    baseline: z
      .strictObject({
        seconds: measured('seconds'),
        loss: measured('nats per token').optional(),
        same_hardware: z.boolean().describe('Whether it was run again on the hardware of the claim.'),
      })
      .optional(),
  }),
  'speedrun-track-3': z.strictObject({
    contract: z.literal('speedrun-track-3'),
    ...about,
    claim: track3Side,
    predecessor: track3Side.optional(),
  }),
  nanochat: z.strictObject({
    contract: z.literal('nanochat'),
    ...about,
    claim: z.strictObject(nanochatSide),
    baseline: z.strictObject({
      ...nanochatSide,
      same_hardware: z.boolean().describe('Whether it was run again on the hardware of the claim.'),
    }),
    paired: z.boolean().default(false).describe('The i-th runs of both sides belong together.'),
  }),
} as const;
