import type { Command } from 'commander';
import type { CandidateId, ExperimentId } from '../domain/ids.ts';
import type { CampaignState } from '../domain/state.ts';
import { UserError } from '../errors.ts';
import { directoryOf, examples, withCampaignOption, withJson } from './options.ts';
import { openOutput, printable } from './output.ts';

/** `assay diff`: what an experiment changed, as a patch. */
export function registerDiff(program: Command): void {
  withJson(
    withCampaignOption(
      program.command('diff').description('the difference of two candidates, as a patch that git apply takes'),
    ),
  )
    .argument('<a>', "e12, 'champion', 'baseline' or a commit")
    .argument('[b]', 'the other one; without it, what <a> changed on its parent')
    .option('--stat', 'only the files with their changed lines')
    .addHelpText(
      'after',
      examples([
        ['assay diff e12', 'what e12 changed'],
        ['assay diff baseline champion > champion.patch', 'everything that was gained'],
      ]),
    )
    .action(
      async (a: string, b: string | undefined, options: { campaign?: string; stat?: boolean }, command: Command) => {
        const { findExperiment, openCampaign } = await import('./open-campaign.ts');
        const { openRepository } = await import('./open-repository.ts');
        await using campaign = await openCampaign(directoryOf(command), options.campaign);
        const { state, folder } = campaign;
        const [from, to] =
          b === undefined
            ? againstParent(state, a, findExperiment(state, a))
            : [candidateOf(state, findExperiment(state, a)), candidateOf(state, findExperiment(state, b))];
        await using repository = await openRepository(folder.candidates);
        const output = openOutput(command);
        if (output.isJson) {
          const stat = await repository.diffStat(from, to);
          output.json('assay.diff.v1', {
            campaign: state.campaign,
            from,
            to,
            ...stat,
            patch: (await repository.exportPatch(from, to)).toString(),
          });
        } else if (options.stat === true) {
          const { files } = await repository.diffStat(from, to);
          output.table(
            [{ title: 'file' }, { title: 'added', align: 'right' }, { title: 'removed', align: 'right' }],
            files.map((file) => [printable(file.path), String(file.added ?? '-'), String(file.removed ?? '-')]),
          );
        } else {
          await writePatch(await repository.exportPatch(from, to));
        }
      },
    );
}

/** Byte for byte in a pipe; on a terminal coloured, without control characters of the candidate's files. */
async function writePatch(patch: Buffer): Promise<void> {
  if (!process.stdout.isTTY) {
    process.stdout.write(patch);
    return;
  }
  const output = openOutput();
  for (const line of patch.toString().trimEnd().split('\n')) {
    const plain = printable(line, { lines: true });
    const isHeader = /^(diff |index |--- |\+\+\+ |new file|deleted file|old mode|new mode)/.test(line);
    if (isHeader) output.print(output.style('bold', plain));
    else if (line.startsWith('@@')) output.print(output.style('cyan', plain));
    else if (line.startsWith('+')) output.print(output.style('green', plain));
    else if (line.startsWith('-')) output.print(output.style('red', plain));
    else output.print(plain);
  }
}

function againstParent(state: CampaignState, word: string, id: ExperimentId): readonly [CandidateId, CandidateId] {
  const experiment = state.experiments.get(id);
  const parent = experiment && state.experiments.get(experiment.proposal.parent)?.candidate;
  const from = parent ?? experiment?.reference;
  if (!experiment?.candidate || from === undefined) throw noCandidate(word);
  return [from, experiment.candidate];
}

function candidateOf(state: CampaignState, id: ExperimentId): CandidateId {
  const found = state.experiments.get(id)?.candidate;
  if (found === undefined) throw noCandidate(id);
  return found;
}

function noCandidate(id: string): UserError {
  return new UserError(
    'experiment-without-candidate',
    `${id} has no candidate: its change could not be made`,
    `see why with: assay why ${id}`,
  );
}
