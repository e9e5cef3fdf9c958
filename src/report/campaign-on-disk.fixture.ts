import { openCandidateRepository } from '../candidate/candidate-repository.ts';
import type { CandidateId } from '../domain/ids.ts';
import { campaignFolder, createFolders, type CampaignFolder } from '../engine/campaign-folder.ts';
import { openSqliteStore } from '../store/sqlite/open-sqlite-store.ts';
import type { SimulatedCampaign, Simulation } from './campaign.fixture.ts';

/** Python whose every line can be changed, so that each idea is a commit of its own. */
export function startingFiles(): Map<string, string> {
  return new Map([
    ['train.py', Array.from({ length: 40 }, (_, line) => `setting_${line} = ${line}\n`).join('')],
    ['README.md', 'A task.\n'],
  ]);
}

/** A campaign with a real log and real commits under `<directory>/.assay/<name>`, as a killed engine would leave it. */
export async function campaignOnDisk(
  directory: string,
  name: string,
  simulate: (simulation: Pick<Simulation, 'commit'>) => Promise<SimulatedCampaign>,
): Promise<{ folder: CampaignFolder; campaign: SimulatedCampaign }> {
  const folder = campaignFolder(directory, name);
  await createFolders(folder);
  await using repository = await openCandidateRepository(folder.candidates);
  const commit = async (
    idea: number,
    parent: CandidateId | undefined,
  ): Promise<{ candidate: CandidateId; tree: string }> => {
    const words = { message: `idea ${idea}`, at: 1_000_000_000_000 + idea };
    const candidate =
      parent === undefined
        ? await repository.commit({ ...words, files: startingFiles() })
        : await repository.commitChange({
            ...words,
            parent,
            changes: new Map([['train.py', await changed(parent, idea)]]),
          });
    return { candidate, tree: await repository.treeOf(candidate) };
  };
  const changed = async (parent: CandidateId, idea: number): Promise<string> => {
    const lines = (await repository.readFile(parent, 'train.py'))?.toString().split('\n') ?? [];
    lines[(idea * 3) % 40] = `setting_${(idea * 3) % 40} = ${idea * 100}  # idea ${idea}`;
    return lines.join('\n');
  };
  const campaign = await simulate({ commit });
  let at = 0;
  await using store = await openSqliteStore(folder.log, { create: true, clock: () => at });
  for (const record of campaign.records) {
    at = record.at;
    await store.append([record.event]);
  }
  return { folder, campaign };
}
