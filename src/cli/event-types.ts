import type { EventType } from '../domain/events.ts';
import { UserError } from '../errors.ts';
import { suggestWord } from '../task/nearest-word.ts';

/** A record, so that the compiler finds a type that is missing. */
const ALL: Readonly<Record<EventType, true>> = {
  'batch.closed': true,
  'batch.opened': true,
  'batch.voided': true,
  'campaign.created': true,
  'campaign.extended': true,
  'campaign.finished': true,
  'champion.changed': true,
  'engine.started': true,
  'engine.stopped': true,
  'experiment.audited': true,
  'experiment.concluded': true,
  'experiment.implemented': true,
  'experiment.profiled': true,
  'experiment.proposed': true,
  'experiment.reproduced': true,
  'guard.reported': true,
  'noise.measured': true,
  'note.written': true,
  'profile.failed': true,
  'profile.submitted': true,
  'proposal.rejected': true,
  'stage.passed': true,
  'trial.finished': true,
  'trial.planned': true,
  'trial.submitted': true,
  'trial.withdrawn': true,
  'verdict.retracted': true,
};

/** @throws UserError `usage-event-type`. */
export function parseEventTypes(list: string): readonly EventType[] {
  const known = Object.keys(ALL);
  return list.split(',').map((word) => {
    const type = word.trim();
    if (!known.includes(type)) {
      throw new UserError(
        'usage-event-type',
        `'${type}' is not a type of event`,
        suggestWord(type, known) ?? `types are ${known.join(', ')}`,
      );
    }
    return type as EventType;
  });
}
