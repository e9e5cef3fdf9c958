import { createRandom } from '../stats/random.ts';
import { simulateCampaign, type SimulatedCampaign, type Simulation } from './campaign.fixture.ts';
import type { Idea } from './simulated-trial.fixture.ts';

const GOOD: readonly Idea[] = [
  {
    statement: 'a learning rate of 0.02 instead of 0.01 converges further within the budget',
    effect: 0.018,
    predicted: [0.005, 0.02],
    operator: 'tune',
    kind: 'hyper-parameter',
  },
  {
    statement: 'weight decay only on matrices keeps the gains from decaying',
    effect: 0.009,
    predicted: [0.004, 0.016],
    operator: 'pattern',
  },
  { statement: 'squared ReLU in the feed-forward layers', effect: 0.012, predicted: [0.02, 0.05] },
  {
    statement: 'a linear warm-down over the last half of the steps',
    effect: 0.007,
    predicted: [0.002, 0.012],
    operator: 'tune',
    kind: 'hyper-parameter',
  },
];

const PLAIN = [
  'rotary embeddings with base 500 000',
  'a wider first layer',
  'gradient clipping at 0.5',
  'a batch of 64 instead of 32',
  'label smoothing of 0.05',
  'untied output embeddings',
  'a second residual scale per block, learnt, starting at 0.1, as tried for much deeper models with far longer schedules',
  'Adam with beta2 = 0.99',
];

/** About sixty experiments with everything that can happen in one. */
export function demoIdeas(number = 56): readonly Idea[] {
  const random = createRandom('demo');
  const ideas: Idea[] = [];
  for (let index = 0; index < number; index += 1) {
    const good = index % 13 === 4 ? GOOD[Math.floor(index / 13) % GOOD.length] : undefined;
    if (good) {
      ideas.push(good);
      continue;
    }
    const statement = PLAIN[index % PLAIN.length] ?? 'another idea';
    const plain: Idea = { statement, effect: -0.004 + 0.004 * random.normal(), predicted: [-0.002, 0.006] };
    if (index % 17 === 6) ideas.push({ ...plain, fails: 'crash' });
    else if (index % 23 === 9) ideas.push({ ...plain, fails: 'timeout' });
    else if (index % 29 === 14) ideas.push({ ...plain, statement: 'attention without the causal mask', fails: 'hack' });
    else if (index % 31 === 20) ideas.push({ ...plain, fails: 'conflict', operator: 'combine', kind: 'combination' });
    else if (index % 19 === 11)
      ideas.push({ ...plain, statement: `${statement}, at ten times the step size`, effect: -0.4 });
    else ideas.push(plain);
  }
  return ideas;
}

/** Two keeps and one of each other verdict that is easy to force; quick to fold. */
export function smallCampaign(simulation: Partial<Simulation> = {}): Promise<SimulatedCampaign> {
  const ideas: readonly Idea[] = [
    {
      statement: 'twice the learning rate',
      effect: 0.02,
      predicted: [0.01, 0.03],
      operator: 'tune',
      kind: 'hyper-parameter',
    },
    { statement: 'a worse idea', effect: -0.02, predicted: [0, 0.01] },
    { statement: 'a crash', effect: 0, fails: 'crash' },
    { statement: 'a look into the future', effect: 0, fails: 'hack' },
    { statement: 'both at once', effect: 0, fails: 'conflict', operator: 'combine', kind: 'combination' },
    { statement: 'squared ReLU', effect: 0.015, predicted: [0.02, 0.05] },
  ];
  return simulateCampaign({ ideas, ...simulation });
}
