import * as z from 'zod';

import { camelKeys } from './camel-keys.ts';
import { bytes, command, count, insidePath, seconds, text } from './schema-fields.ts';

/** Modules of python/assay_substitutes. */
const SUBSTITUTES = ['kernels', 'rustbpe'] as const;

/** The section `source` of task.yaml: files of a checkout by reference, so that nothing of it is copied or changed. */
export const sourceSchema = z
  .strictObject({
    checkout: text.describe("Folder of the checkout; a relative one is taken from the task's folder. It is only read."),
    repository: text.exactOptional().describe('What it is a checkout of, such as owner/name.'),
    commit: z
      .string()
      .regex(/^[0-9a-f]{7,64}$/, { error: 'a commit as git names it' })
      .exactOptional()
      .describe(
        "The commit that was checked out when the task was made. 'assay check' says when it is another one now.",
      ),
    written_for: z
      .string()
      .regex(/^[0-9a-f]{7,64}$/, { error: 'a commit as git names it' })
      .exactOptional()
      .describe('The commit whose rules and formats the task follows. Another one is said, not refused.'),
    substitutes: z
      .array(z.enum(SUBSTITUTES))
      .min(1)
      .exactOptional()
      .describe(
        'Packages that this machine lacks and for which modules of ours (python/assay_substitutes) stand in. Each is a deviation that every result names.',
      ),
  })
  .transform(camelKeys)
  .exactOptional()
  .describe(
    "A checkout whose files the globs of 'files' find, beside those of the task's folder. Where both have a file, the task's is laid over it.",
  );

const dataFile = z
  .strictObject({
    from: text.describe(
      "Path or glob. '~/' is the home folder; a relative one is taken from the checkout, or from the task's folder if there is none.",
    ),
    except: text.exactOptional().describe("Glob of names that are left out, such as a held-out shard's."),
    to: insidePath.describe('Folder of the prepared data that it is copied into.'),
    at_least: count.default(1).describe('How many files or folders there must be.'),
    at_least_size: bytes
      .exactOptional()
      .describe('How large they must be together: with less the program that reads them would stop.'),
    size: bytes.exactOptional().describe('About what they take on disk together, for those that are not there yet.'),
    what: text.describe('What it is, in a few words.'),
    remedy: text.describe('How to get it, as a sentence or a command.'),
  })
  .transform(({ size, at_least_size: least, ...rest }) => ({
    ...camelKeys(rest),
    ...(least === undefined ? {} : { atLeastBytes: least }),
    ...(size === undefined ? {} : { sizeBytes: size }),
  }));

/** The section `data` of task.yaml. */
export const dataSchema = z
  .strictObject({
    command: command
      .exactOptional()
      .describe('Prepares the data, run once in a folder that holds only the inputs. It writes into {out}.'),
    inputs: z
      .array(insidePath)
      .default([])
      .describe('Globs of the files the command reads. The data is made again when one changes.'),
    files: z
      .array(dataFile)
      .min(1)
      .exactOptional()
      .describe(
        "Files of this machine that are copied into the prepared data, once for each state of theirs. 'assay check' names those that are missing.",
      ),
    timeout: seconds.prefault('1h').describe('Seconds that preparing may take.'),
  })
  .refine((value) => value.command !== undefined || value.files !== undefined, {
    error: "a 'command' that prepares it, 'files' that are copied, or both",
  })
  .transform(({ timeout, ...rest }) => ({ ...rest, timeoutSeconds: timeout }))
  .exactOptional()
  .describe('Data that is prepared once and shared by all trials.');
