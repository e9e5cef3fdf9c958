type CamelCase<Key extends string> = Key extends `${infer Head}_${infer Tail}`
  ? `${Head}${Capitalize<CamelCase<Tail>>}`
  : Key;
type CamelKeys<Shape> = { [Key in keyof Shape as CamelCase<Key & string>]: Shape[Key] };

/** `max_diff_bytes` of the file is `maxDiffBytes` in our code. One level only: names that people chose stay as they are. */
export function camelKeys<Shape extends object>(value: Shape): CamelKeys<Shape> {
  const entries = Object.entries(value).map(([key, item]) => [
    key.replaceAll(/_([a-z])/g, (_, letter: string) => letter.toUpperCase()),
    item as unknown,
  ]);
  return Object.fromEntries(entries) as CamelKeys<Shape>;
}
