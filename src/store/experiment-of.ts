import type { AssayEvent } from '../domain/events.ts';
import type { ExperimentId } from '../domain/ids.ts';

/** The experiment that an event is about: what `read({ experiment })` goes by. Undefined: it is about the campaign. */
export function experimentOf(event: AssayEvent): ExperimentId | undefined {
  switch (event.type) {
    case 'experiment.proposed':
    case 'experiment.implemented':
    case 'trial.submitted':
    case 'trial.finished':
    case 'trial.withdrawn':
    case 'stage.passed':
    case 'experiment.audited':
    case 'experiment.concluded':
    case 'experiment.reproduced':
    case 'profile.submitted':
    case 'experiment.profiled':
    case 'profile.failed':
    case 'verdict.retracted':
    case 'guard.reported':
    case 'champion.changed':
    case 'note.written':
      return event.experiment;
    case 'trial.planned':
      return event.plan.experiment;
    case 'batch.opened':
    case 'batch.voided':
    case 'batch.closed':
    case 'campaign.created':
    case 'campaign.extended':
    case 'campaign.finished':
    case 'engine.started':
    case 'engine.stopped':
    case 'noise.measured':
    case 'proposal.rejected':
      return undefined;
    default:
      event satisfies never;
      throw new Error(`an event of the unknown type ${JSON.stringify((event as AssayEvent).type)}`);
  }
}
