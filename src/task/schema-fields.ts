import * as z from 'zod';

import { DURATION_PATTERN, SIZE_PATTERN, durationInSeconds, sizeInBytes } from './units.ts';

/** Types of fields that several parts of task.yaml share. Where a message is given here it completes "expected …". */

export const text: z.ZodString = z.string().min(1);

export const name: z.ZodString = z
  .string()
  .regex(/^[a-z][a-z0-9]*(?:[-_][a-z0-9]+)*$/, { error: 'a name of small letters, digits, dashes and underscores' });

export const variableName: z.ZodString = z
  .string()
  .regex(/^[A-Za-z_][A-Za-z0-9_]*$/, { error: 'the name of an environment variable, such as OMP_NUM_THREADS' });

/** A path or a glob within the task's folder. */
export const insidePath: z.ZodString = z
  .string()
  .regex(/^(?!\/)(?!\.\.?(?:\/|$))(?!.*\/\.\.?(?:\/|$))(?!.*\/$)[^\\\0\n]+$/, {
    error: "a path from the task's folder, without '..', a leading or a closing '/'",
  });

/** A sub-folder of the prepared data, or '.' for all of it. */
export const dataPath: z.ZodUnion<[z.ZodLiteral<'.'>, z.ZodString]> = z.union([z.literal('.'), insidePath], {
  error: "a folder of the prepared data, or '.' for all of it",
});

export const absolutePath: z.ZodString = z.string().regex(/^\/(?!.*\/\.\.?(?:\/|$))[^\\\0\n]*[^\\\0\n/]$/, {
  error: "an absolute path below '/', such as /data",
});

// zod reports a text of the wrong form by the text's own check, and any other type by the union's.
const aDuration = { error: 'a duration above 0, such as 90, 90s, 5m or 500ms (a number is seconds)' };
export const seconds = z
  .union([z.number().positive(), z.string().regex(DURATION_PATTERN, aDuration)], aDuration)
  .transform(durationInSeconds)
  .refine((value) => value > 0, aDuration);

const aSize = { error: 'a size above 0, such as 4GiB or 512MiB (a number is bytes)' };
export const bytes = z
  .union([z.int().positive(), z.string().regex(SIZE_PATTERN, aSize)], aSize)
  .transform(sizeInBytes)
  .refine((value) => value > 0, aSize);

export const count = z.int().positive();

export const share = z.number().gt(0).lt(1);

export const variables = z.record(variableName, z.string());

export const command = z.array(z.string()).min(1);
