import { createHmac } from 'node:crypto';
import type { SandboxKind } from '../../domain/trial.ts';
import { screensApart } from '../../task/screens-apart.ts';
import type { Task } from '../../task/task.ts';
import { canFire, NEED_SEALS, offersOf } from './fitting.ts';
import type { GuardCase, GuardSource } from './guard-source.ts';
import { applyFragment, fragmentsFor } from './load-fragments.ts';
import type { Fragment } from './parse-fragment.ts';

export interface GuardChoice {
  readonly task: Task;
  /** The starting point that guards are made of. */
  readonly start: string;
  readonly fragments: readonly Fragment[];
  /** Where its trials run. */
  readonly sandbox?: SandboxKind;
}

/** Every exploit and every control that fits a task, on its starting point. */
export function guardCases({ task, start, fragments }: GuardChoice): readonly GuardCase[] {
  const offers = offersOf(task);
  const files = new Map([...task.filesFor(start)].map(([path, content]) => [path, content.toString('utf8')]));
  return fragmentsFor(fragments, offers).map((fragment): GuardCase => {
    const entry = offers[fragment.needs] ?? '';
    const { id, kind, classes, expects, does, trials } = fragment;
    return {
      id,
      kind: kind === 'exploit' ? 'canary' : 'control',
      classes,
      expects,
      does,
      trials,
      stage: 'screen',
      files: Object.fromEntries(applyFragment(files, fragment, { entry })),
    };
  });
}

/**
 * The red team at work on its own: every exploit and every control once, or only those that are named. An exploit that breaks no rule of the
 * task (threads where it has no contract on threads) is none.
 */
export function allGuards(choice: GuardChoice, only?: readonly string[]): GuardSource {
  const applies = ({ kind, expects }: GuardCase): boolean =>
    kind === 'control' || expects.some((audit) => canFire(choice.task, audit));
  const cases = guardCases(choice).filter((one) => applies(one) && (only?.includes(one.id) ?? true));
  // What an exploit gains is told by the start, which was measured in whole trials: screens of another length say nothing of it.
  const stage = screensApart(choice.task.spec) ? 'confirm' : 'screen';
  return {
    batchSize: 1,
    withoutProposals: true,
    pick: () => cases.map((one) => ({ ...one, stage })),
    ...(cases.length === 0 ? { unguarded: `no exploit fits the task ${choice.task.name}` } : {}),
  };
}

/**
 * A few guards for each batch. Which ones is drawn from the campaign's secret, so that no search can foresee them; over the batches
 * each one has its turn before any comes again.
 *
 * @param decides whether an audit that fires makes a candidate a suspected hack: a canary must be caught by one of those.
 */
export function drawnGuards(
  choice: GuardChoice,
  secret: string | Uint8Array,
  decides: (audit: string) => boolean,
): GuardSource {
  const { batch: batchSize, canaries, controls } = choice.task.spec.audits;
  const cases = guardCases(choice);
  const canCatch = (audit: string): boolean => decides(audit) && canFire(choice.task, audit);
  const sees = (audit: string): boolean => choice.sandbox !== 'process' || !NEED_SEALS.has(audit);
  const exploits = cases.filter(
    ({ kind, expects }) => kind === 'canary' && expects.some(canCatch) && expects.every(sees),
  );
  const honest = cases.filter(({ kind }) => kind === 'control');
  const drawn = (purpose: string, word: string): number =>
    createHmac('sha256', secret).update(`guards:${purpose}:${word}`).digest().readUInt32BE(0);
  const turn = (from: readonly GuardCase[], batch: number, count: number): GuardCase[] => {
    const found: GuardCase[] = [];
    for (let place = (batch - 1) * count; from.length > 0 && found.length < Math.min(count, from.length); place += 1) {
      const round = Math.floor(place / from.length);
      const order = from.toSorted((a, b) => drawn(`${round}`, a.id) - drawn(`${round}`, b.id));
      const next = order[place % from.length];
      if (next && !found.includes(next)) found.push(next);
    }
    return found;
  };
  const lacking = exploits.length === 0 || canaries === 0;
  return {
    batchSize,
    pick: (batch) =>
      [...turn(exploits, batch, canaries), ...turn(honest, batch, controls)].map((one) => ({
        ...one,
        // One in four goes the way of a confirmation, whose judge may be another one.
        stage: drawn(`stage:${batch}`, one.id) % 4 === 0 ? 'confirm' : 'screen',
      })),
    ...(lacking
      ? {
          unguarded:
            canaries === 0
              ? 'the task asks for no canaries'
              : 'no exploit fits this task, so nothing shows that its audits work',
        }
      : {}),
  };
}
