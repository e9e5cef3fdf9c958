import { UserError } from '../../errors.ts';
import { suggestWord } from '../nearest-word.ts';
import type { Adapter } from './adapter.ts';
import { autoresearch } from './autoresearch/autoresearch.ts';
import { solExecbench } from './sol-execbench/sol-execbench.ts';
import { speedrun } from './speedrun/speedrun.ts';

const ADAPTERS: readonly Adapter[] = [autoresearch, speedrun, solExecbench];

export const ADAPTER_NAMES: readonly string[] = ADAPTERS.map(({ name }) => name);

/** @throws UserError if there is none of this name. */
export function findAdapter(name: string): Adapter {
  const found = ADAPTERS.find((adapter) => adapter.name === name);
  if (found !== undefined) return found;
  throw new UserError(
    'usage-adapter',
    `there is no adapter '${name}'`,
    suggestWord(name, ADAPTER_NAMES) ?? `there are: ${ADAPTER_NAMES.join(', ')}`,
  );
}
