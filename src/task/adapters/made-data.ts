import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join, resolve } from 'node:path';
import * as z from 'zod';

import { UserError, describeError } from '../../errors.ts';
import { quoted } from './yaml-text.ts';

const madeDataSchema = z.object({
  schema: z.literal('assay.data.v1'),
  benchmark: z.string(),
  tokens: z.record(z.string(), z.number()),
  shards: z.object({ hidden: z.string() }),
  files: z.record(z.string(), z.string()),
});

/** What `assay data` wrote of a folder that it made. */
export interface MadeDataNote {
  /** The file data.json, as `data: files:` names it: the deviations from upstream that every result names. */
  readonly file: string;
  /** By part, of those that were counted. */
  readonly tokens: Readonly<Record<string, number>>;
  /** The shard that training may not read, by its path in the folder. */
  readonly hidden: string;
  /** Paths of all that was made, in the folder. */
  readonly paths: readonly string[];
}

/**
 * The note in a folder of data. Undefined: there is none, so the data are upstream's own.
 *
 * @param folder as `data: files:` takes it: absolute, below '~/', or from the checkout.
 * @throws UserError for data of another benchmark, or a note that can't be read.
 */
export async function readMadeData(
  folder: string,
  benchmark: string,
  checkout: string,
): Promise<MadeDataNote | undefined> {
  const place = folder.startsWith('~/') ? join(homedir(), folder.slice(2)) : resolve(checkout, folder);
  const file = join(place, 'data.json');
  if (!existsSync(file)) return undefined;
  const note = await parseNote(file);
  if (note.benchmark !== benchmark)
    throw new UserError(
      'usage-data',
      `${folder} holds data for ${note.benchmark}, not for ${benchmark}`,
      `assay data ${benchmark} --text <files> --out <folder>, then --data <folder>`,
    );
  return {
    file: `${folder}/data.json`,
    tokens: note.tokens,
    hidden: note.shards.hidden,
    paths: Object.keys(note.files),
  };
}

/** In the list of a judging phase's data: where the judges look for the note. */
export const NOTE_MOUNT = '{ from: note/data.json, to: /data/data.json }';

/** An entry of `data: files:` that brings the note into the prepared data. */
export function noteEntry(note: MadeDataNote, benchmark: string): string {
  return `
    - from: ${quoted(note.file)}
      to: note
      what: what the data were made of
      remedy: make them again with assay data ${benchmark}`;
}

async function parseNote(file: string): Promise<z.output<typeof madeDataSchema>> {
  try {
    return madeDataSchema.parse(JSON.parse(await readFile(file, 'utf8')));
  } catch (error) {
    throw new UserError(
      'usage-data',
      `${file} is no note of assay data: ${describeError(error)}`,
      'make the data again with assay data, or name another folder with --data',
      { cause: error },
    );
  }
}
