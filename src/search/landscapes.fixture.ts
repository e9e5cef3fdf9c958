import type { KnobSpace, KnobValues } from './knob-space.ts';

/** Test functions with known minima. The same ones were run under Optuna; see tpe.test.ts. */
export type Landscape = {
  readonly name: string;
  readonly space: KnobSpace;
  readonly loss: (values: KnobValues) => number;
};

const float = (name: string, low: number, high: number, scale: 'linear' | 'log' = 'linear') =>
  ({
    name,
    kind: 'float',
    low,
    high,
    scale,
    current: scale === 'log' ? Math.sqrt(low * high) : (low + high) / 2,
  }) as const;

const numbers = (values: KnobValues, names: readonly string[]): number[] => names.map((name) => Number(values[name]));
const names = ['a', 'b', 'c', 'd', 'e', 'f'];

export const landscapes: readonly Landscape[] = [
  {
    name: 'sphere6',
    space: names.map((name) => float(name, -5, 5)),
    loss: (values) => numbers(values, names).reduce((sum, x, index) => sum + (x - (index - 2)) ** 2, 0),
  },
  {
    name: 'branin',
    space: [float('x', -5, 10), float('y', 0, 15)],
    loss: (values) => {
      const [x = 0, y = 0] = numbers(values, ['x', 'y']);
      const inner = y - (5.1 / (4 * Math.PI ** 2)) * x * x + (5 / Math.PI) * x - 6;
      return inner ** 2 + 10 * (1 - 1 / (8 * Math.PI)) * Math.cos(x) + 10 - 0.397887;
    },
  },
  {
    name: 'rosenbrock4',
    space: names.slice(0, 4).map((name) => float(name, -2, 2)),
    loss: (values) => {
      const x = numbers(values, names.slice(0, 4));
      return x
        .slice(1)
        .reduce((sum, next, index) => sum + 100 * (next - (x[index] ?? 0) ** 2) ** 2 + (1 - (x[index] ?? 0)) ** 2, 0);
    },
  },
  {
    name: 'mixed',
    space: [
      float('rate', 1e-5, 1, 'log'),
      float('decay', 1e-6, 1, 'log'),
      { name: 'depth', kind: 'integer', low: 1, high: 32, scale: 'log', current: 4 },
      { name: 'warmup', kind: 'integer', low: 0, high: 50, scale: 'linear', current: 25 },
      { name: 'norm', kind: 'boolean', current: false },
      { name: 'optimizer', kind: 'choice', choices: ['sgd', 'adam', 'lion', 'muon'], current: 'sgd' },
    ],
    loss: (values) => {
      const isMuon = values['optimizer'] === 'muon';
      const bestRate = isMuon ? -1.7 : -3;
      return (
        (Math.log10(Number(values['rate'])) - bestRate) ** 2 +
        0.2 * (Math.log10(Number(values['decay'])) + 2.5) ** 2 +
        (Math.log2(Number(values['depth'])) - 3) ** 2 * 0.3 +
        (Number(values['warmup']) / 50 - 0.2) ** 2 +
        (values['norm'] === true ? 0 : 0.5) +
        (isMuon ? 0 : values['optimizer'] === 'adam' ? 0.2 : 0.8)
      );
    },
  },
];

/**
 * Fifteen knobs of a training recipe: three matter much, five a little, the rest hardly; learning rate and batch size
 * interact, and too high a rate diverges. Optimum 0; the values in `current` lose 0.46.
 */
export const recipe: Landscape = {
  name: 'recipe15',
  space: [
    ...['rate', 'batch', 'decay', 'warmup', 'depth', 'width', 'clip', 'epsilon', 'rope', 'scale'].map(
      (name) => ({ name, kind: 'float', low: 0.01, high: 100, scale: 'log', current: 1 }) as const,
    ),
    { name: 'heads', kind: 'integer', low: 1, high: 32, scale: 'log', current: 4 },
    { name: 'momentum', kind: 'float', low: 0, high: 1, scale: 'linear', current: 0.5 },
    { name: 'cooldown', kind: 'float', low: 0, high: 1, scale: 'linear', current: 0.2 },
    { name: 'tied', kind: 'boolean', current: false },
    { name: 'activation', kind: 'choice', choices: ['relu', 'gelu', 'relu2', 'silu'], current: 'gelu' },
  ],
  loss: (values) => {
    const octaves = (name: string): number => Math.log2(Number(values[name]));
    const rate = octaves('rate');
    const batch = octaves('batch');
    const bowl = (distance: number, weight: number): number => weight * (Math.sqrt(1 + distance ** 2) - 1);
    return (
      bowl(rate - 1.5 - 0.5 * batch, 0.15) +
      (rate > 3 ? 2 + rate : 0) +
      bowl(batch + 1.5, 0.08) +
      bowl(octaves('decay') - 2, 0.06) +
      bowl(octaves('warmup') + 1, 0.02) +
      bowl(octaves('depth') - 1, 0.05) +
      bowl(octaves('width') - 0.5, 0.05) +
      bowl(octaves('clip') + 2, 0.01) +
      bowl(octaves('epsilon') + 3, 0.002) +
      bowl(octaves('rope') - 1, 0.004) +
      bowl(octaves('scale'), 0.03) +
      bowl(octaves('heads') - 3, 0.02) +
      bowl(4 * (Number(values['momentum']) - 0.85), 0.1) +
      bowl(4 * (Number(values['cooldown']) - 0.5), 0.05) +
      (values['tied'] === true ? 0 : 0.01) +
      (values['activation'] === 'relu2' ? 0 : 0.03)
    );
  },
};
