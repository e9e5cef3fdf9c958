/** A value of one knob. Choices may hold tuples, such as a pair of Adam's betas. */
export type KnobValue = number | boolean | string | readonly KnobValue[];

export type NumericKnob = {
  readonly name: string;
  readonly kind: 'float' | 'integer';
  /** Inclusive bounds, in the knob's own unit. On a log scale `low` must be positive. */
  readonly low: number;
  readonly high: number;
  readonly scale: 'linear' | 'log';
  /** The value in the parent's code. It may lie outside the bounds. */
  readonly current: number;
};

export type BooleanKnob = { readonly name: string; readonly kind: 'boolean'; readonly current: boolean };

export type ChoiceKnob = {
  readonly name: string;
  readonly kind: 'choice';
  readonly choices: readonly KnobValue[];
  readonly current: KnobValue;
};

export type KnobDimension = NumericKnob | BooleanKnob | ChoiceKnob;
export type KnobSpace = readonly KnobDimension[];
/** Values by knob name. */
export type KnobValues = Readonly<Record<string, KnobValue>>;

/** One finished experiment. Lower loss is better. */
export type KnobObservation = {
  /** May lack knobs of the space (unknown at the time) and hold others. */
  readonly values: KnobValues;
  /** Undefined when the experiment failed: it then counts as worse than every finished one. */
  readonly loss: number | undefined;
};

/** Throws a `RangeError` for an empty space, a repeated name, or bounds that make no range. */
export function checkKnobSpace(space: KnobSpace): void {
  if (space.length === 0) throw new RangeError('space must have at least one knob, got 0');
  const names = new Set<string>();
  for (const knob of space) {
    if (names.has(knob.name)) throw new RangeError(`space has the knob '${knob.name}' twice`);
    names.add(knob.name);
    checkKnob(knob);
  }
}

/** The values a discrete knob can take; undefined for numeric knobs. */
export function choicesOf(knob: KnobDimension): readonly KnobValue[] | undefined {
  switch (knob.kind) {
    case 'boolean':
      return [false, true];
    case 'choice':
      return knob.choices;
    case 'float':
    case 'integer':
      return undefined;
  }
}

/** The values of the parent's code. */
export function currentValues(space: KnobSpace): KnobValues {
  return Object.fromEntries(space.map((knob) => [knob.name, knob.current]));
}

/** Whether two values are the same setting: numbers up to rounding (1e-9 relative), tuples element by element. */
export function isSameValue(left: KnobValue, right: KnobValue): boolean {
  if (left === right) return true;
  if (typeof left !== typeof right || typeof left === 'string' || typeof left === 'boolean') return false;
  return valueKey(left) === valueKey(right);
}

/** Equal for equal points, whatever the order of the names. */
export function pointKey(values: KnobValues): string {
  const parts = Object.keys(values).toSorted();
  return parts.map((name) => `${JSON.stringify(name)}:${valueKey(values[name] as KnobValue)}`).join(',');
}

export function valueKey(value: KnobValue): string {
  if (typeof value === 'number') return String(Number(value.toPrecision(9)));
  if (typeof value === 'object') return `[${value.map(valueKey).join(',')}]`;
  return JSON.stringify(value);
}

function checkKnob(knob: KnobDimension): void {
  if (knob.kind === 'boolean') return;
  if (knob.kind === 'choice') {
    const different = new Set(knob.choices.map(valueKey)).size;
    if (different < 2)
      throw new RangeError(`knob '${knob.name}' must have at least 2 different choices, got ${different}`);
    return;
  }
  if (!(knob.low < knob.high && Number.isFinite(knob.high - knob.low))) {
    throw new RangeError(`knob '${knob.name}' must have finite low < high, got ${knob.low} and ${knob.high}`);
  }
  if (knob.scale === 'log' && (knob.low <= 0 || (knob.kind === 'integer' && knob.low < 1))) {
    throw new RangeError(
      `knob '${knob.name}' has a log scale, so low must be positive (1 or more for integers), got ${knob.low}`,
    );
  }
}
