/** A change that the champion holds. */
export type AcceptedChange = {
  readonly id: string;
  /** Changes that it cannot stand without. */
  readonly needs?: readonly string[];
};

export type AblationPlan = {
  /** The change in question. */
  readonly subject: string;
  /** It and every change that needs it, in the order of acceptance. */
  readonly removed: readonly string[];
  readonly kept: readonly string[];
};

/**
 * Leave-one-out plans of the champion that were not tested yet, newest change first: what was accepted last stood in the
 * fewest experiments.
 *
 * @param changes In the order of acceptance.
 * @param tested The `kept` sets of earlier ablations; their order does not matter. A set tested before another change was
 * accepted is another set: contributions are measured in the champion's present company.
 */
export function planAblations(
  changes: readonly AcceptedChange[],
  tested: readonly (readonly string[])[],
): AblationPlan[] {
  checkChanges(changes);
  const done = new Set(tested.map(setKey));
  const plans: AblationPlan[] = [];
  for (const { id } of changes.toReversed()) {
    const removed = withDependents(changes, id);
    const kept = changes.map((change) => change.id).filter((other) => !removed.includes(other));
    const key = setKey(kept);
    // Two subjects that need each other give one plan.
    if (done.has(key)) continue;
    done.add(key);
    plans.push({ subject: id, removed, kept });
  }
  return plans;
}

function withDependents(changes: readonly AcceptedChange[], id: string): string[] {
  const removed = new Set([id]);
  for (let size = 0; size !== removed.size;) {
    size = removed.size;
    for (const change of changes) if (change.needs?.some((need) => removed.has(need))) removed.add(change.id);
  }
  return changes.map((change) => change.id).filter((other) => removed.has(other));
}

function setKey(ids: readonly string[]): string {
  return JSON.stringify(ids.toSorted());
}

function checkChanges(changes: readonly AcceptedChange[]): void {
  const ids = new Set(changes.map((change) => change.id));
  if (ids.size !== changes.length)
    throw new RangeError(`changes must have different ids, got ${changes.map((change) => change.id).join(', ')}`);
  for (const { id, needs = [] } of changes) {
    const missing = needs.find((need) => !ids.has(need));
    if (missing !== undefined) throw new RangeError(`change '${id}' needs '${missing}', which is none of the changes`);
  }
}
