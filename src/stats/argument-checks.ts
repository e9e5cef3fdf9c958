/** Checks of arguments shared by the statistics. Each throws a `RangeError` that names the argument and the value received. */

export function requireFinite(name: string, value: number): void {
  if (!Number.isFinite(value)) throw new RangeError(`${name} must be a finite number, got ${value}`);
}

export function requirePositive(name: string, value: number): void {
  if (!(value > 0 && Number.isFinite(value)))
    throw new RangeError(`${name} must be a positive finite number, got ${value}`);
}

export function requireNotNegative(name: string, value: number): void {
  if (!(value >= 0 && Number.isFinite(value)))
    throw new RangeError(`${name} must be a finite number >= 0, got ${value}`);
}

/** The open interval (0, 1): levels, quantile arguments. */
export function requireProbability(name: string, value: number): void {
  if (!(value > 0 && value < 1)) throw new RangeError(`${name} must be between 0 and 1 (exclusive), got ${value}`);
}

export function requireCount(name: string, value: number, minimum = 0): void {
  if (!Number.isSafeInteger(value) || value < minimum) {
    throw new RangeError(`${name} must be a whole number >= ${minimum}, got ${value}`);
  }
}

/** Every value finite and at least `minimum` of them. */
export function requireSample(name: string, values: readonly number[], minimum: number): void {
  if (values.length < minimum) throw new RangeError(`${name} needs at least ${minimum} values, got ${values.length}`);
  const position = values.findIndex((value) => !Number.isFinite(value));
  if (position >= 0) throw new RangeError(`${name}[${position}] must be a finite number, got ${values[position]}`);
}
