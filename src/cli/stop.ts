import type { Command } from 'commander';
import { directoryOf, examples, withCampaignArgument } from './options.ts';
import { openOutput } from './output.ts';

const POLL_MS = 100;

export function registerStop(program: Command): void {
  withCampaignArgument(program.command('stop').description('stop the engine of a campaign; "assay resume" goes on'))
    .option('--now', 'end running trials at once instead of letting them end')
    .addHelpText(
      'after',
      examples([
        ['assay stop', 'let running trials end, then stop'],
        ['assay stop --now', 'stop at once'],
      ]),
    )
    .action(async (name: string | undefined, options: { now?: boolean }, command: Command) => {
      const { findCampaign } = await import('../engine/campaign-folder.ts');
      const { ENGINE_LEASE, isOwnerAlive } = await import('../engine/engine-lease.ts');
      const { openSqliteStore } = await import('../store/sqlite/open-sqlite-store.ts');
      const { UserError } = await import('../errors.ts');
      const { hostname } = await import('node:os');
      const { setTimeout: pause } = await import('node:timers/promises');
      const output = openOutput(command);
      const folder = await findCampaign(directoryOf(command), name);
      await using store = await openSqliteStore(folder.log);
      const owner = await store.leaseHolder(ENGINE_LEASE);
      if (!owner || !isOwnerAlive(owner)) {
        output.print(`no engine runs campaign ${folder.name}`);
        return;
      }
      if (owner.host !== hostname()) {
        throw new UserError(
          'engine-elsewhere',
          `the engine runs on ${owner.host}`,
          `run "assay stop ${folder.name}" there`,
        );
      }
      process.kill(owner.pid, 'SIGINT');
      if (options.now) {
        await pause(POLL_MS);
        if (isOwnerAlive(owner)) process.kill(owner.pid, 'SIGINT');
      }
      output.print(
        `asked the engine of ${folder.name} (process ${owner.pid}) to stop${options.now ? ' now' : '; running trials end first'}`,
      );
      while (isOwnerAlive(owner)) {
        const holder = await store.leaseHolder(ENGINE_LEASE);
        if (holder?.id !== owner.id) break;
        await pause(POLL_MS);
      }
      output.print(`stopped; go on with: assay resume ${folder.name}`);
    });
}
