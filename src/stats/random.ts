import { requireCount, requirePositive } from './argument-checks.ts';

/** A seeded source of randomness. Every function of ours that draws takes one, so a campaign can be replayed. */
export interface Random {
  /** Uniform on [0, 1) with 53 bits. */
  uniform(): number;
  /** Standard normal. */
  normal(): number;
  /** Uniform on 0 .. count - 1. */
  integer(count: number): number;
  /** One element; throws on an empty list. */
  pick<Item>(items: readonly Item[]): Item;
  /** A shuffled copy. */
  shuffle<Item>(items: readonly Item[]): Item[];
  /** Gamma with the given shape and scale 1. */
  gamma(shape: number): number;
  beta(alpha: number, beta: number): number;
}

/**
 * A generator with period of at least 2^32 and about 2^127 on average: sfc32 (Doty-Humphrey, PractRand 2010), seeded by
 * an FNV-style hash of the seed's text. Equal seeds give equal streams; `1` and `'1'` are the same seed.
 */
export function createRandom(seed: string | number): Random {
  const nextWord = createWordSource(String(seed));
  // 21 high bits and 32 low bits make one 53-bit integer.
  const uniform = (): number => ((nextWord() >>> 11) * 2 ** 32 + nextWord()) / 2 ** 53;
  const integer = (count: number): number => {
    requireCount('count', count, 1);
    return Math.floor(uniform() * count);
  };
  const normal = (): number => drawNormal(uniform);
  const gamma = (shape: number): number => drawGamma(shape, uniform, normal);
  return {
    uniform,
    normal,
    integer,
    gamma,
    pick: <Item>(items: readonly Item[]): Item => {
      if (items.length === 0) throw new RangeError('items must not be empty, got 0 items');
      return items[integer(items.length)] as Item;
    },
    shuffle: <Item>(items: readonly Item[]): Item[] => {
      const shuffled = [...items];
      for (let last = shuffled.length - 1; last > 0; last--) {
        const other = integer(last + 1);
        [shuffled[last], shuffled[other]] = [shuffled[other] as Item, shuffled[last] as Item];
      }
      return shuffled;
    },
    beta: (alpha, beta) => {
      const left = gamma(alpha);
      const right = gamma(beta);
      // Both underflow only for tiny parameters, where the beta law is a coin with these odds.
      if (left + right === 0) return uniform() < alpha / (alpha + beta) ? 1 : 0;
      return left / (left + right);
    },
  };
}

function createWordSource(text: string): () => number {
  let a = hashText(text, 0x9e3779b9);
  let b = hashText(text, 0x243f6a88);
  let c = hashText(text, 0xb7e15162);
  let counter = 1;
  const next = (): number => {
    const word = (((a + b) | 0) + counter) | 0;
    counter = (counter + 1) | 0;
    a = b ^ (b >>> 9);
    b = (c + (c << 3)) | 0;
    c = ((c << 21) | (c >>> 11)) + word;
    c |= 0;
    return word >>> 0;
  };
  for (let round = 0; round < 16; round++) next();
  return next;
}

function hashText(text: string, start: number): number {
  let hash = start | 0;
  for (let position = 0; position < text.length; position++) {
    hash = Math.imul(hash ^ text.charCodeAt(position), 0x01000193);
    hash = (hash << 13) | (hash >>> 19);
  }
  // Final mix of MurmurHash3 (Appleby 2011).
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return hash ^ (hash >>> 16);
}

/** Polar method (Marsaglia and Bray 1964); the second value is dropped so that the stream has no hidden state. */
function drawNormal(uniform: () => number): number {
  for (;;) {
    const x = 2 * uniform() - 1;
    const y = 2 * uniform() - 1;
    const square = x * x + y * y;
    if (square > 0 && square < 1) return x * Math.sqrt((-2 * Math.log(square)) / square);
  }
}

/** Marsaglia and Tsang 2000; shapes below 1 through shape + 1 and a uniform power. */
function drawGamma(shape: number, uniform: () => number, normal: () => number): number {
  requirePositive('shape', shape);
  if (shape < 1) return drawGamma(shape + 1, uniform, normal) * uniform() ** (1 / shape);
  const d = shape - 1 / 3;
  const c = 1 / Math.sqrt(9 * d);
  for (;;) {
    const x = normal();
    const cube = (1 + c * x) ** 3;
    if (cube > 0 && Math.log(1 - uniform()) < 0.5 * x * x + d * (1 - cube + Math.log(cube))) return d * cube;
  }
}
