/**
 * A float as Python writes it: the shortest text that reads back as the same double, always with a point or an exponent.
 * `value` must be finite.
 */
export function floatLiteral(value: number): string {
  if (Object.is(value, -0)) return '-0.0';
  const size = Math.abs(value);
  const text = value !== 0 && (size < 1e-3 || size >= 1e6) ? value.toExponential().replace('e+', 'e') : String(value);
  return /[.e]/.test(text) ? text : `${text}.0`;
}

/** A whole number, with '_' between thousands if the text it replaces has them. */
export function integerLiteral(value: number, before: string): string {
  const text = String(value === 0 ? 0 : value);
  return before.includes('_') ? text.replaceAll(/\B(?=(?:\d{3})+$)/g, '_') : text;
}

export function booleanLiteral(value: boolean): string {
  return value ? 'True' : 'False';
}

/** A text in quotes, in the kind of quotes of the text it replaces. */
export function stringLiteral(value: string, before: string): string {
  const quote = before.includes('"') ? '"' : "'";
  const escaped = value.replaceAll(/[\\'"\p{C}\u2028\u2029]/gu, (character) => {
    if (character === '\\') return '\\\\';
    if (character === "'" || character === '"') return character === quote ? `\\${character}` : character;
    if (character === '\n') return '\\n';
    if (character === '\t') return '\\t';
    return `\\U${(character.codePointAt(0) ?? 0).toString(16).padStart(8, '0')}`;
  });
  return `${quote}${escaped}${quote}`;
}
