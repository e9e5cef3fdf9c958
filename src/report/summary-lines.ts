import type { ScreenAgreement } from './screen-agreement.ts';
import type { CampaignSummary } from './summary.ts';
import {
  count,
  decimalsFor,
  showGain,
  showInterval,
  showMilliseconds,
  showP,
  showPercent,
  showSeconds,
  showValue,
} from './numbers.ts';

/** The campaign as labelled lines, for the end of a run and for `assay status`. Names and hypotheses are as they were given. */
export function summaryLines(summary: CampaignSummary): readonly (readonly [label: string, text: string])[] {
  const { task, noise, champion, comparison, sandbox, device, slots, finished } = summary;
  const lines: (readonly [string, string])[] = [
    ['campaign', summary.campaign],
    ['task', `${task.name}: ${task.direction} ${task.metric}${task.unit === undefined ? '' : ` (${task.unit})`}`],
  ];
  if (device !== undefined)
    lines.push(['device', `${device}${slots === undefined ? '' : `, ${count(slots, 'slot')}`}`]);
  if (sandbox) lines.push(['sandbox', sandbox.words]);
  lines.push(['budget', budgetWords(summary)]);
  lines.push(['verdicts', verdictCountWords(summary)]);
  if (noise) {
    const decimals = decimalsFor(noise.sigma);
    lines.push([
      'start',
      `${task.metric} ${showValue(summary.start.mean ?? noise.mean, decimals)} over ${count(summary.start.runs ?? noise.runs, 'run')}; one trial varies by ${showValue(Number(noise.sigma.toPrecision(3)))} (sigma) and takes ${showSeconds(noise.trialSeconds)}`,
    ]);
  }
  lines.push(['champion', championWords(summary)]);
  if (comparison) {
    const decimals = decimalsFor(noise?.sigma);
    lines.push([
      'final',
      `${champion.experiment} against the start: ${showValue(comparison.baselineMean, decimals)} → ${showValue(comparison.championMean, decimals)}, ` +
        `gain ${showGain(comparison.gain)} (95 % interval ${showInterval(comparison.interval)}), p ${showP(comparison.p)}, n = ${comparison.pairs} pairs`,
    ]);
  }
  if (summary.tests.count > 0) lines.push(['error rate', testWords(summary)]);
  const { checked, covered, share } = summary.calibration;
  if (share !== undefined) {
    lines.push([
      'predictions',
      `${covered} of ${checked} intervals held what was measured (${showPercent(share)}; 80 % is meant)`,
    ]);
  }
  const guards = guardWords(summary);
  if (guards !== undefined) lines.push(['guards', guards]);
  if (summary.retractions > 0)
    lines.push([
      'retracted',
      `${count(summary.retractions, 'keep')} fell and ${summary.retractions === 1 ? 'does' : 'do'} not count any more (assay hacks)`,
    ]);
  const stages = summary.stages.filter(({ seconds }) => seconds > 0);
  if (stages.length > 0) {
    lines.push([
      'trial time',
      stages
        .map(({ stage, seconds, share: part }) => `${stage} ${showSeconds(seconds)} (${showPercent(part)})`)
        .join(', '),
    ]);
  }
  if (summary.screens) lines.push(['screens', screenWords(summary.screens)]);
  const { perKeep } = summary;
  if (perKeep) {
    const { keeps, trials, seconds } = perKeep;
    lines.push([
      'cost',
      `${Number(trials.toPrecision(3))} trials and ${showSeconds(seconds)} of trial time for each of ${count(keeps, 'keep')} that ${keeps === 1 ? 'stands' : 'stand'}`,
    ]);
  }
  if (finished) lines.push(['finished', finished.reason]);
  return lines;
}

function screenWords({ n, rankCorrelation }: ScreenAgreement): string {
  const found =
    rankCorrelation === undefined ? 'rank correlation not known' : `rank correlation ${showGain(rankCorrelation, 2)}`;
  return `of a length of their own; ${found} with whole trials, over ${count(n, 'experiment')} that passed`;
}

/** Undefined: the log is of a version that had no guards, or nothing was guarded yet. */
export function guardWords({ guards }: CampaignSummary): string | undefined {
  const { reported, failed, batches, unguarded } = guards;
  if (batches.total === 0) return undefined;
  if (unguarded !== undefined) return `NONE in the latest of ${count(batches.total, 'batch', 'batches')}: ${unguarded}`;
  const states = [
    `${batches.sound} sound`,
    ...(batches.void > 0 ? [`${batches.void} VOID`] : []),
    ...(batches.open > 0 ? [`${batches.open} not yet decided`] : []),
  ];
  const right = failed === 0 ? 'all of them right' : `${failed} WRONG`;
  return `${count(batches.total, 'batch', 'batches')} (${states.join(', ')}), ${count(reported, 'guard')} reported${reported === 0 ? '' : `, ${right}`}`;
}

function budgetWords({ experiments, limits, activeMs, finished }: CampaignSummary): string {
  const done =
    limits.experiments === undefined
      ? count(experiments, 'experiment')
      : `${experiments} of ${count(limits.experiments, 'experiment')}`;
  if (limits.minutes === undefined) return `${done}, ${showMilliseconds(activeMs)} worked`;
  const left = Math.max(0, limits.minutes * 60_000 - activeMs);
  const rest = finished ? '' : `, ${showMilliseconds(left)} left`;
  return `${done}, ${showMilliseconds(activeMs)} of ${showSeconds(limits.minutes * 60)} worked${rest}`;
}

/** `3 keep, 2 near-miss, …`: those that occurred. */
export function verdictCountWords({ verdicts, open, rejectedProposals, retractions }: CampaignSummary): string {
  const parts = Object.entries(verdicts).flatMap(([kind, number]) => {
    const fallen = kind === 'keep' && retractions > 0 ? ` (${retractions} fell since)` : '';
    return number > 0 ? [`${number} ${kind}${fallen}`] : [];
  });
  if (open > 0) parts.push(`${open} open`);
  if (rejectedProposals > 0)
    parts.push(
      `${count(rejectedProposals, 'proposal')} turned back as ${rejectedProposals === 1 ? 'a repeat' : 'repeats'}`,
    );
  return parts.length > 0 ? parts.join(', ') : 'none yet';
}

function championWords({ champion }: CampaignSummary): string {
  if (!champion.isNew) return 'the starting point: nothing has beaten it yet';
  const steps = champion.steps.length > 1 ? ` in ${champion.steps.length} kept steps` : '';
  const gain =
    champion.estimatedGain === undefined
      ? ''
      : `; estimated gain over the start ${showGain(champion.estimatedGain)}${steps}`;
  return `${champion.experiment} (${champion.candidate?.slice(0, 7) ?? 'unknown'}): ${champion.statement}${gain}`;
}

function testWords({ tests }: CampaignSummary): string {
  return `${count(tests.count, 'test')}, ${tests.rejections} kept; levels granted so far add up to ${showP(tests.levelGranted)} (planned for ${tests.horizon} tests)`;
}
