import {
  drawCoefficients,
  fitLinearModel,
  type CoefficientPrior,
  type LinearObservation,
} from '../stats/linear-model.ts';
import type { Random } from '../stats/random.ts';
import { median, quantile } from '../stats/summary.ts';
import {
  choicesOf,
  isSameValue,
  type KnobObservation,
  type KnobSpace,
  type KnobValue,
  type KnobValues,
} from './knob-space.ts';
import { stepsBetween } from './knob-step.ts';

export type LocalModelOptions = {
  readonly space: KnobSpace;
  /** A value for every knob of the space. */
  readonly incumbent: KnobValues;
  readonly history: readonly KnobObservation[];
  /** Standard deviation of one measured loss. Default: 0.3 of the spread of the losses. */
  readonly noiseSd?: number;
  /** How much each knob is expected to matter, 1 by default: scales the prior of its effects. */
  readonly importance?: Readonly<Record<string, number>>;
};

/** One plausible loss surface around the incumbent. */
export type DrawnSurface = {
  /** Predicted change of the loss when one knob goes from the incumbent's value to this one; changes add up. */
  readonly changeBy: (name: string, value: KnobValue) => number;
  /** Steps to the lowest point along a numeric knob; undefined when the drawn surface has no valley there. */
  readonly bestSteps: (name: string) => number | undefined;
};

/** Steps further out than this count as this far: a quadratic means nothing there. */
const farthestSteps = 4;
const maximumObservations = 300;

/**
 * Additive quadratic model of the loss in steps from the incumbent (a doubling, a tenth of a linear range), with one effect
 * for each other choice. It pools all experiments, also those around earlier incumbents and of several knobs at once, which
 * one-at-a-time search throws away. Drawing surfaces from its posterior is Thompson sampling (Thompson 1933; linear models:
 * Agrawal and Goyal 2013). Losses are clipped at the upper quartile plus 1.5 interquartile ranges, so that a diverged run
 * says "bad" and not "a million times bad".
 */
export function createLocalModel(options: LocalModelOptions): (random: Random) => DrawnSurface {
  const { space, incumbent, history, importance = {} } = options;
  const recent = history.slice(-maximumObservations);
  const { losses, spread } = clippedLosses(recent, options.noiseSd ?? 0);
  const noiseSd = Math.max(options.noiseSd ?? 0.3 * spread, 1e-3 * spread);
  const layout = layOut(space);
  const observations = recent.map((observation, index): LinearObservation => {
    const features = featuresOf(space, incumbent, observation.values);
    // Far from the incumbent the additive surface is less to be trusted.
    const distance = space.reduce((sum, knob) => sum + Math.abs(firstFeature(features, layout, knob.name)), 0);
    return {
      features: [1, ...features],
      target: (losses[index] ?? 0) / spread,
      noiseVariance: (noiseSd / spread) ** 2 + 0.02 * distance,
    };
  });
  const model = fitLinearModel(observations, [{ mean: 0, sd: 2 }, ...priorsOf(space, importance)]);
  return (random) => {
    const coefficients = drawCoefficients(model, random).slice(1);
    return {
      changeBy: (name, value) => {
        const features = featuresOf(space, incumbent, { ...incumbent, [name]: value });
        return features.reduce((sum, feature, index) => sum + feature * (coefficients[index] ?? 0), 0) * spread;
      },
      bestSteps: (name) => {
        const start = layout.get(name) ?? 0;
        const [slope = 0, curvature = 0] = coefficients.slice(start, start + 2);
        return curvature > 0 ? Math.max(-2, Math.min(2, -slope / (2 * curvature))) : undefined;
      },
    };
  };
}

function clippedLosses(history: readonly KnobObservation[], noiseSd: number): { losses: number[]; spread: number } {
  const known = history.map((observation) => observation.loss).filter(isFiniteLoss);
  if (known.length === 0) return { losses: history.map(() => 0), spread: 1 };
  const centre = median(known);
  const [low, high] = [quantile(known, 0.25), quantile(known, 0.75)];
  const limit = high + 1.5 * (high - low);
  // Losses that differ by less than the noise have the noise as their scale, also when there are only one or two of them.
  const spread = Math.max(high - low, noiseSd, 1e-9 * Math.abs(centre), Number.MIN_VALUE * 1e20);
  const losses = history.map(({ loss }) => (isFiniteLoss(loss) ? Math.min(loss, limit) : limit) - centre);
  return { losses, spread };
}

function isFiniteLoss(loss: number | undefined): loss is number {
  return loss !== undefined && Number.isFinite(loss);
}

/** Index of each knob's first feature. Numeric knobs have two (steps and their square), others one for each choice. */
function layOut(space: KnobSpace): ReadonlyMap<string, number> {
  let next = 0;
  return new Map(
    space.map((knob) => {
      const start = next;
      next += choicesOf(knob)?.length ?? 2;
      return [knob.name, start];
    }),
  );
}

function firstFeature(features: readonly number[], layout: ReadonlyMap<string, number>, name: string): number {
  return features[layout.get(name) ?? 0] ?? 0;
}

/** All zero at the incumbent. A knob that the point lacks counts as unchanged. */
function featuresOf(space: KnobSpace, incumbent: KnobValues, point: KnobValues): number[] {
  return space.flatMap((knob) => {
    const from = incumbent[knob.name] as KnobValue;
    const to = point[knob.name] ?? from;
    if (knob.kind === 'float' || knob.kind === 'integer') {
      if (typeof from !== 'number' || typeof to !== 'number') return [0, 0];
      const steps = Math.max(-farthestSteps, Math.min(farthestSteps, stepsBetween(knob, from, to)));
      return [steps, steps * steps];
    }
    const isChanged = !isSameValue(from, to);
    return (choicesOf(knob) ?? []).map((choice) => (isChanged && isSameValue(choice, to) ? 1 : 0));
  });
}

/** In units of the losses' spread. A small upward curvature is expected: most knobs have a best value somewhere. */
function priorsOf(space: KnobSpace, importance: Readonly<Record<string, number>>): CoefficientPrior[] {
  return space.flatMap((knob) => {
    const weight = Math.max(importance[knob.name] ?? 1, 1e-3);
    const choices = choicesOf(knob);
    if (choices) return choices.map(() => ({ mean: 0, sd: 0.5 * weight }));
    return [
      { mean: 0, sd: 0.5 * weight },
      { mean: 0.1 * weight, sd: 0.2 * weight },
    ];
  });
}
