import { existsSync, statSync } from 'node:fs';
import { join, resolve } from 'node:path';

import type { Problem } from './problem.ts';
import type { TaskSpec } from './schema.ts';
import { FROZEN_CHECKOUT, listFiles } from './task-files.ts';
import type { YamlSource } from './yaml-source.ts';

/** The checkout that a task refers to, as a place to read files from. */
export interface CheckoutFiles {
  /** Absolute. */
  readonly folder: string;
  /** Paths of its files, with '/'. */
  readonly paths: readonly string[];
}

/** Where the files of a task's checkout are: in the task's own frozen copy if it has one, else in the checkout itself. */
export function checkoutFolder(folder: string, source: NonNullable<TaskSpec['source']>): string {
  const frozen = join(folder, FROZEN_CHECKOUT);
  return existsSync(frozen) ? frozen : resolve(folder, source.checkout);
}

/** Undefined checkout: the task has none, or it is not there, which is a problem. */
export async function openCheckout(
  folder: string,
  source: YamlSource,
  spec: Partial<TaskSpec>,
): Promise<{ readonly checkout?: CheckoutFiles; readonly problems: readonly Problem[] }> {
  if (spec.source === undefined) return { problems: [] };
  const place = checkoutFolder(folder, spec.source);
  if (statSync(place, { throwIfNoEntry: false })?.isDirectory() === true)
    return { checkout: { folder: place, paths: await listFiles(place) }, problems: [] };
  const repository = spec.source.repository ?? 'the repository';
  const problem = source.problem(['source', 'checkout'], {
    found: `${place}, which is not there`,
    expected: 'the folder of a checkout',
    remedy: `Clone ${repository} there, or name the folder where it is`,
  });
  return { problems: [problem] };
}
