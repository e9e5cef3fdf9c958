import * as z from 'zod';

import { camelKeys } from './camel-keys.ts';
import { auditsSchema } from './schema-audits.ts';
import { knobsSchema, validitySchema } from './schema-search.ts';
import { dataSchema, sourceSchema } from './schema-source.ts';
import {
  absolutePath,
  bytes,
  command,
  count,
  dataPath,
  insidePath,
  name,
  seconds,
  text,
  variableName,
  variables,
} from './schema-fields.ts';

/** The stages of the gate that run trials, and the one that only looks where the time goes. */
const PHASE_STAGES = ['baseline', 'screen', 'replicate', 'confirm', 'final', 'profile'] as const;

const trust = z
  .enum(['candidate', 'judge'])
  .describe("Whose code runs: 'judge' may write the result and see held-out data, 'candidate' may not.");

const processShape = {
  command: command.describe(
    'Program and arguments; no shell. Placeholders such as {python} or {result} are filled in.',
  ),
  data: z
    .array(
      z.strictObject({
        from: dataPath.describe("Sub-folder or file of the prepared data ('.' for all of it)."),
        to: absolutePath.describe('Where this process sees it, read-only.'),
      }),
    )
    .default([])
    .describe('What this process sees of the prepared data. What is not listed does not exist for it.'),
  variables: variables
    .default({})
    .describe("Environment variables beside those of 'environment'. Placeholders are filled in."),
  output: z
    .boolean()
    .default(true)
    .describe(
      "Whether it sees what the candidate's phases left in /output. A peer that is handed what it needs should not.",
    ),
};

const peer = z
  .strictObject({ trust: trust.default('candidate'), ...processShape })
  .describe(
    "A second process, joined by two pipes and confined on its own: the judge asks, the candidate's model answers.",
  );

const budget = z
  .strictObject({
    limit: seconds.describe("Seconds on the judge's clock, from the moment the candidate's code starts."),
    grace: seconds.prefault(0.5).describe('Seconds after the limit until the process is killed.'),
    start_up: seconds
      .exactOptional()
      .describe('Seconds on a core that trusted imports may take before the clock starts. Default: no limit.'),
  })
  .transform(({ limit, grace, start_up: startUp }) => ({
    limitSeconds: limit,
    graceSeconds: grace,
    ...(startUp === undefined ? {} : { startUpSeconds: startUp }),
  }))
  .describe("A budget of time that the judge measures. Without it only 'timeout' limits the phase.");

const phase = z
  .strictObject({
    name: name.describe('Unique in the task; also the name of its output files.'),
    trust: trust.default('candidate'),
    ...processShape,
    budget: budget.exactOptional(),
    timeout: seconds.prefault(300).describe('Seconds from the start of the process to its end, start-up included.'),
    stages: z
      .array(z.enum(PHASE_STAGES))
      .min(1)
      .exactOptional()
      .describe(
        "Run only at these stages. Default: in every trial. 'profile' is no trial: its phases leave {output}/profile.json, a claim.",
      ),
    peer: peer.exactOptional(),
    exchange: z
      .boolean()
      .default(false)
      .describe(
        'Whether phase and peer share the folder in ASSAY_EXCHANGE, which both may write: for arrays that are too large for pipes.',
      ),
  })
  .transform(({ timeout, ...rest }) => ({ ...rest, timeoutSeconds: timeout }));

const resources = z
  .strictObject({
    cores: count.default(1).describe('CPU cores for a trial.'),
    gpus: z.int().nonnegative().default(0).describe('GPUs for a trial.'),
    gpu: z
      .strictObject({
        kinds: z
          .array(text)
          .min(1)
          .exactOptional()
          .describe("Parts of the driver's name of GPUs that will do, such as H100. Default: any."),
        memory: bytes.exactOptional().describe('Memory that each must have.'),
      })
      .transform(({ memory: gpuMemory, ...rest }) => ({
        ...rest,
        ...(gpuMemory === undefined ? {} : { memoryBytes: gpuMemory }),
      }))
      .exactOptional()
      .describe('What kind of GPU each must be.'),
    memory: bytes.prefault('4GiB').describe('Memory of all processes of a phase together.'),
    disk: bytes.prefault('1GiB').describe('What a phase may keep in its writable folders together.'),
    processes: count.default(64).describe('Processes and threads at once.'),
    threads: count
      .exactOptional()
      .describe(
        "Threads that the candidate's processes may have together, its own main thread included. Default: no limit.",
      ),
    output: bytes.prefault('1MiB').describe('What is kept of standard output and of standard error, each.'),
    exclusive: z.boolean().default(true).describe('No other trial on the same cores at the same time.'),
  })
  .transform(({ memory, disk, output, ...rest }) => ({
    ...rest,
    memoryBytes: memory,
    diskBytes: disk,
    outputBytes: output,
  }));

const starts = z
  .record(
    name,
    z.strictObject({
      overlay: insidePath.exactOptional().describe('Folder whose files replace (or join) the editable ones.'),
      description: text.exactOptional().describe('What this starting point is, in a sentence.'),
    }),
  )
  .refine((value) => Object.keys(value).length > 0, { error: 'at least one starting point' });

/** Each key of task.yaml with its type. The loader checks them one by one, so that a mistake in one does not hide another. */
export const taskSections = {
  name: name.describe('Short name: folder of results, command line.'),
  title: text.exactOptional().describe('One line for people. Default: the name.'),
  description: text.exactOptional().describe('What the task is, its rules and what may be changed. Proposers read it.'),
  objective: z
    .strictObject({
      metric: name.describe("The number that the judge's result is about, such as val_bpb."),
      unit: text.exactOptional().describe('Unit of the metric, such as bit/byte.'),
      direction: z.enum(['minimize', 'maximize']).describe('Whether less or more is better.'),
    })
    .describe('What is to be made better.'),
  files: z
    .strictObject({
      editable: z.array(insidePath).min(1).describe('Globs of the files that a candidate may change.'),
      protected: z
        .array(insidePath)
        .default([])
        .describe('Globs of files laid beside them read-only; their content is hashed.'),
      max_diff_bytes: count
        .default(50_000)
        .describe('Largest change of a candidate against its parent, in bytes of diff.'),
    })
    .transform(camelKeys)
    .describe("The files of a candidate's workspace."),
  source: sourceSchema,
  starts: starts
    .default({ default: {} })
    .describe('Named starting points; the first is used unless another is asked for.'),
  environment: z
    .strictObject({
      python: z
        .string()
        .regex(/^\s*(?:(?:==|!=|>=|<=|>|<|~=)\s*\d+(?:\.\d+)*(?:\.\*)?\s*(?:,\s*|$))+$/, {
          error: "versions such as '>=3.10' or '>=3.10,<3.14'",
        })
        .default('>=3.10')
        .describe('Python versions that will do.'),
      requirements: z
        .union([z.array(text), insidePath], {
          error: 'a list such as [torch==2.13.0], or the name of a requirements file',
        })
        .default([])
        .describe("Python packages as pip's requirements, best pinned with '=='; or a requirements file of the task."),
      optional: z
        .array(text)
        .exactOptional()
        .describe(
          "Packages that are used where they are there. Nothing waits for them; 'assay check' names those that are missing.",
        ),
      imports: z
        .array(z.string().regex(/^[A-Za-z_][\w.]*$/, { error: 'the name of a Python module' }))
        .default([])
        .describe('Modules that must import in the interpreter; tried once.'),
      programs: z
        .array(z.string().regex(/^\w[\w.+-]*$/, { error: 'the name of a program, such as cc' }))
        .default([])
        .describe('Programs that a trial needs in /usr/bin or /bin, such as cc.'),
      build: z
        .boolean()
        .exactOptional()
        .describe(
          "Whether Assay may build a Python environment with the requirements. Default: yes. 'false' where packages belong to the machine, as those for a GPU do: 'assay check' then names each that is missing.",
        ),
      variables: variables.default({}).describe('Environment variables of every process of the task.'),
    })
    .prefault({})
    .describe('The Python that candidates and judge run with, and what else they need.'),
  data: dataSchema,
  resources: resources.prefault({}).describe('What one trial gets, and its limits.'),
  seeds: z
    .strictObject({
      variable: variableName.default('ASSAY_SEED').describe('Environment variable that gives a process its seed.'),
    })
    .prefault({})
    .describe('How a trial learns its seed.'),
  phases: z.array(phase).min(1).describe('The processes of a trial, in order; each starts in a fresh sandbox.'),
  judge: z
    .strictObject({
      kind: z.enum(['result-file']).default('result-file').describe("'result-file': a judge's phase writes {result}."),
    })
    .prefault({})
    .describe('How the result is found.'),
  claim: z
    .strictObject({
      pattern: text
        .default(String.raw`^(\w+):\s+(\S+)$`)
        .describe(
          'Regular expression for lines that a candidate prints about itself: two groups, name and number; or named groups, which are the numbers of one line.',
        ),
      final: z
        .tuple([text, text])
        .exactOptional()
        .describe('With named groups: only a line on which these two groups are equal counts, such as [step, total].'),
    })
    .prefault({})
    .describe('What the candidate says of itself. Compared with the result, never used for a decision.'),
  range: z
    .strictObject({
      low: z.number().exactOptional().describe('Lowest value that can be true.'),
      high: z.number().exactOptional().describe('Highest value that can be true.'),
    })
    .default({})
    .describe('Values of the metric that can be. One outside is an invalid metric, whoever measured it.'),
  guards: z
    .array(
      z.strictObject({
        metric: name.describe('A number of the result.'),
        min: z.number().exactOptional().describe('Least value allowed.'),
        max: z.number().exactOptional().describe('Greatest value allowed.'),
        why: text.exactOptional().describe('The reason, shown when it is broken.'),
      }),
    )
    .default([])
    .describe('Limits on other numbers of the result.'),
  validity: validitySchema,
  audits: auditsSchema,
  knobs: knobsSchema,
  patterns: z
    .union([insidePath, z.array(insidePath)], { error: 'a glob such as patterns/*.yaml, or a list of them' })
    .transform((value) => (typeof value === 'string' ? [value] : value))
    .prefault([])
    .describe('Files with changes that are known to help elsewhere.'),
};

export const taskSchema = z.strictObject(taskSections).describe('A research task of Assay.');

/** What task.yaml says, with every default filled in and units in the names. */
export type TaskSpec = z.output<typeof taskSchema>;
export type PhaseSpec = TaskSpec['phases'][number];
export type KnobSettings = TaskSpec['knobs'];
export type KnobSetting = KnobSettings['set'][string];
