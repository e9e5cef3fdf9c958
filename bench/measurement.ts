/** One line of the table. */
export interface Measurement {
  readonly name: string;
  readonly value: number;
  readonly unit: string;
  /** In words; undefined for a single number. */
  readonly spread?: string;
  /** What we want to reach, in words. */
  readonly target?: string;
  readonly n?: number;
}
