import * as z from 'zod';

import { camelKeys } from './camel-keys.ts';
import { count, share, text } from './schema-fields.ts';

/** The rule by which a gain counts. */
export const validitySchema = z
  .strictObject({
    baseline_runs: z
      .int()
      .min(2)
      .default(6)
      .describe('Trials of the starting point that measure the noise before the search.'),
    minimum_gain: z
      .number()
      .nonnegative()
      .default(0)
      .describe('The smallest gain of interest, in units of the metric.'),
    sigma_floor: z
      .number()
      .nonnegative()
      .default(0)
      .describe('The noise of one trial is never taken to be below this.'),
    screen_probability: share
      .default(0.1)
      .describe('A screened candidate is replicated if replication would succeed with at least this probability.'),
    max_pairs: count.default(12).describe('Pairs of trials that a replication may use.'),
    confirm_pairs: z.int().min(2).default(6).describe('Pairs of trials on fresh seeds that confirm a gain.'),
    final_pairs: z
      .int()
      .min(2)
      .default(6)
      .describe('Pairs of trials that compare champion and starting point at the end.'),
    ablation_pairs: z
      .int()
      .min(2)
      .exactOptional()
      .describe('Pairs of trials that measure what one change of the champion carries. Default: confirm_pairs.'),
    false_discovery_rate: share.default(0.05).describe('Share of false gains among those accepted by replication.'),
    confirm_level: share.default(0.05).describe("Level of the confirming test of 'no gain'."),
    holdout_metric: text
      .exactOptional()
      .describe(
        "A metric of the judge's result, from data that no earlier stage scored, that a confirmed gain must show too.",
      ),
    target: z
      .strictObject({
        value: z.number().describe('What has to be beaten, in units of the metric.'),
        level: share.default(0.01).describe("Level of the test of 'not better than the value'."),
        metric: text.exactOptional().describe("A metric of the judge's result instead of the objective."),
        direction: z
          .enum(['minimize', 'maximize'])
          .exactOptional()
          .describe("Whether less or more is better. Default: the objective's."),
      })
      .exactOptional()
      .describe(
        'A fixed value that the confirmation runs of a candidate must beat on their own (a one-sided t-test), beside beating its reference.',
      ),
  })
  .transform(camelKeys)
  .prefault({})
  .describe('When a gain counts.');

const knobName = z.string().regex(/^(?:[^\s:]+:)?[A-Za-z_]\w*(?:\[\d+\])*$/, {
  error: 'a constant such as LEARNING_RATE, BETAS[0] or train.py:DEPTH',
});

const setting = z.strictObject({
  low: z.number().exactOptional().describe('Lowest value to try. Fractional bounds make a whole number a real one.'),
  high: z.number().exactOptional().describe('Highest value to try.'),
  scale: z.enum(['linear', 'log']).exactOptional().describe('How values are spread between low and high.'),
  step: z.int().positive().exactOptional().describe('Whole numbers: only low, low + step, low + 2 step …'),
  choices: z
    .array(z.union([z.number(), z.string(), z.boolean()], { error: 'a number, a text, true or false' }))
    .min(2)
    .exactOptional()
    .describe('The values to try, instead of low and high. Texts are only tuned with this.'),
});

/** Which constants are tuned, and over what. */
export const knobsSchema = z
  .strictObject({
    only: z
      .array(knobName)
      .min(1)
      .exactOptional()
      .describe('Tune only these. NAME means all elements of NAME[0], NAME[1] …'),
    exclude: z.array(knobName).default([]).describe('Never tune these. Names with SEED in them never are.'),
    set: z.record(knobName, setting).default({}).describe('Ranges and choices in place of the inferred ones.'),
  })
  .prefault({})
  .describe(
    'Knobs are module-level constants in capitals in the editable Python files. They are found without being listed.',
  );

const interval = z
  .union([z.strictObject({ low: z.number(), high: z.number() }), z.tuple([z.number(), z.number()])], {
    error: 'an interval such as {low: 0.01, high: 0.05} or [0.01, 0.05]',
  })
  .transform((value) => (Array.isArray(value) ? { low: value[0], high: value[1] } : value));

/** A file of `patterns`. */
export const patternSchema = z
  .strictObject({
    id: z
      .string()
      .regex(/^[a-z0-9]+(?:-[a-z0-9]+)*$/, { error: 'small letters, digits and dashes' })
      .describe('Unique in the task.'),
    title: text.describe('One line.'),
    kind: z
      .enum(['algorithmic', 'hyper-parameter', 'systems', 'simplification'])
      .default('algorithmic')
      .describe('What kind of hypothesis it is.'),
    source: text.exactOptional().describe('Paper, issue or record it comes from.'),
    rationale: text.describe('Why it should help.'),
    predicted_gain: interval
      .exactOptional()
      .describe('Where the gain is expected four times out of five; positive is better.'),
    edits: z
      .array(
        z.strictObject({
          file: text.describe('Editable file.'),
          find: text.describe('Text that must occur exactly once.'),
          replace: text.describe('What stands there afterwards.'),
        }),
      )
      .min(1)
      .describe('Done in order; all or none.'),
  })
  .transform(camelKeys);

export type Pattern = z.output<typeof patternSchema>;
