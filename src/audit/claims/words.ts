/** Numbers in the sentences of a verification: enough digits to be checked by hand, none that were not measured. */
export function digits(value: number, decimals: number): string {
  return value.toFixed(decimals);
}

export function pWords(p: number): string {
  return p < 0.0001 ? 'p < 0.0001' : `p = ${p < 0.1 ? Number(p.toPrecision(2)) : p.toFixed(2)}`;
}

export function runs(n: number): string {
  return n === 1 ? 'one run' : `${n} runs`;
}
