import type { Command } from 'commander';
import type { TreeNode } from '../report/tree.ts';
import { directoryOf, examples, withCampaignArgument, withJson } from './options.ts';
import { openOutput, printable } from './output.ts';
import { cutToWidth } from './text-width.ts';

/** `assay tree`: what was built on what. */
export function registerTree(program: Command): void {
  withJson(
    withCampaignArgument(program.command('tree').description('what was built on what, from the starting point down')),
  )
    .option('--all', 'also the leaves that were not kept')
    .option('--guards', 'also canaries and honest controls, which test no hypothesis')
    .addHelpText(
      'after',
      examples([
        ['assay tree', 'the kept line of descent'],
        ['assay tree --all', 'every experiment'],
      ]),
    )
    .action(async (name: string | undefined, options: { all?: boolean; guards?: boolean }, command: Command) => {
      const { openCampaign } = await import('./open-campaign.ts');
      await using campaign = await openCampaign(directoryOf(command), name);
      const { lineageTree, treeLines, treeRows } = await import('../report/tree.ts');
      const output = openOutput(command);
      const { state } = campaign;
      const root = lineageTree(state, {
        all: options.all === true || output.isJson,
        guards: options.guards === true,
      });
      if (output.isJson) {
        output.json('assay.tree.v1', {
          campaign: state.campaign,
          champion: state.champion,
          experiments: root ? treeRows(root) : [],
        });
        return;
      }
      const { decimalsFor, showGain } = await import('../report/numbers.ts');
      const { verdictWords } = await import('../report/results.ts');
      const { verdictStyle } = await import('./verdict-style.ts');
      const decimals = decimalsFor(state.noise?.sigma);
      const label = (node: TreeNode, room: number): string => {
        const { row } = node;
        const gain = row.gain === undefined ? '' : ` ${showGain(row.gain, decimals)}`;
        const other = node.other === undefined ? '' : ` with ${node.other}`;
        const head = `${row.experiment}${row.champion ? '*' : ''} ${row.role === 'hypothesis' ? verdictWords(row) : row.role}${gain}${other}`;
        const rest = cutToWidth(`  ${printable(row.statement)}`, Math.max(1, room - head.length));
        const style = node.onPathToChampion ? 'bold' : verdictStyle(verdictWords(row));
        return style === undefined ? head + rest : output.style(style, head) + rest;
      };
      for (const line of root ? treeLines(root) : []) {
        const room = (output.width ?? Number.POSITIVE_INFINITY) - line.branch.length;
        output.print(
          output.style('dim', line.branch) +
            (line.node ? label(line.node, room) : output.style('dim', line.note ?? '')),
        );
      }
    });
}
