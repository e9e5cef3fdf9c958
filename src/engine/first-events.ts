import type { AssayEvent, EventOf } from '../domain/events.ts';
import { BASELINE_EXPERIMENT } from '../domain/ids.ts';

/** The first events of every campaign: what it is, and its starting point as experiment e0. One atomic batch. */
export function firstEvents(created: EventOf<'campaign.created'>, tree: string): readonly AssayEvent[] {
  const { baseline, task } = created;
  const proposal = {
    operator: 'baseline',
    proposer: 'engine',
    parent: BASELINE_EXPERIMENT,
    hypothesis: {
      kind: 'replication',
      statement: `the starting point '${task.start}' as it is`,
      rationale: 'its repeated runs measure the noise floor on this machine',
    },
    change: { type: 'none' },
  } as const;
  return [
    created,
    { type: 'experiment.proposed', experiment: BASELINE_EXPERIMENT, proposal },
    {
      type: 'experiment.implemented',
      experiment: BASELINE_EXPERIMENT,
      candidate: baseline,
      tree,
      // Nothing to be measured against.
      reference: baseline,
      filesChanged: 0,
      linesAdded: 0,
      linesRemoved: 0,
    },
  ];
}
