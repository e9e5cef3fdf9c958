import type { WorkingState } from './working-state.ts';

const MAP = '$map';
const SET = '$set';

/** The state as text, for a snapshot. */
export function serializeState(state: WorkingState): string {
  return JSON.stringify(state, (_key, value: unknown) => {
    if (value instanceof Map) return { [MAP]: [...value] };
    if (value instanceof Set) return { [SET]: [...value] };
    return value;
  });
}

/** @throws SyntaxError if the text was damaged; the caller then folds the log from its start. */
export function restoreState(text: string): WorkingState {
  return JSON.parse(text, (_key, value: unknown) => {
    if (typeof value !== 'object' || value === null) return value;
    if (MAP in value) return new Map(value[MAP] as [unknown, unknown][]);
    if (SET in value) return new Set(value[SET] as unknown[]);
    return value;
  }) as WorkingState;
}
