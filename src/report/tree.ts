import { BASELINE_EXPERIMENT, idNumber, type ExperimentId } from '../domain/ids.ts';
import type { CampaignState } from '../domain/state.ts';
import type { ResultRow } from './results.ts';
import { resultRow, roleOf } from './results.ts';

/** An experiment with what was built on it. */
export interface TreeNode {
  readonly row: ResultRow;
  /** For a combination: the other branch that went into it. */
  readonly other?: ExperimentId;
  readonly onPathToChampion: boolean;
  readonly children: readonly TreeNode[];
  /** Children that were left out (see `treeOf`), by verdict. */
  readonly omitted: Readonly<Record<string, number>>;
}

/**
 * The lineage of all experiments, from the starting point down.
 *
 * @param options.all also leaves that were not kept; without it they are counted in `omitted`.
 * @param options.guards also canaries and honest controls.
 */
export function lineageTree(
  state: CampaignState,
  options: { all?: boolean; guards?: boolean } = {},
): TreeNode | undefined {
  const childrenOf = new Map<ExperimentId, ExperimentId[]>();
  for (const experiment of state.experiments.values()) {
    const { id, proposal } = experiment;
    if (proposal.parent === id || id === BASELINE_EXPERIMENT) continue;
    if (options.guards !== true && roleOf(experiment) === 'guard') continue;
    const siblings = childrenOf.get(proposal.parent);
    if (siblings) siblings.push(id);
    else childrenOf.set(proposal.parent, [id]);
  }
  const path = new Set<ExperimentId>();
  for (
    let at: ExperimentId | undefined = state.champion;
    at !== undefined && !path.has(at);
    at = state.experiments.get(at)?.proposal.parent
  ) {
    path.add(at);
  }
  // Children have greater numbers than their parents: going down the numbers, every child is built before its parent.
  const built = new Map<ExperimentId, TreeNode>();
  const order = [...state.experiments.keys()].toSorted((a, b) => idNumber(b) - idNumber(a));
  for (const id of order) {
    const experiment = state.experiments.get(id);
    if (!experiment) continue;
    const all = (childrenOf.get(id) ?? []).flatMap((child) => built.get(child) ?? []);
    const children = all.filter((child) => options.all === true || isShown(child));
    const omitted: Record<string, number> = {};
    for (const child of all)
      if (!children.includes(child)) omitted[child.row.verdict] = (omitted[child.row.verdict] ?? 0) + 1;
    const { change } = experiment.proposal;
    built.set(id, {
      row: resultRow(state, experiment),
      ...(change.type === 'merge' ? { other: change.otherExperiment } : {}),
      onPathToChampion: path.has(id),
      children,
      omitted,
    });
  }
  return built.get(BASELINE_EXPERIMENT);
}

function isShown(node: TreeNode): boolean {
  const { verdict } = node.row;
  return node.children.length > 0 || verdict === 'keep' || verdict === 'open' || verdict === 'near-miss';
}

export interface TreeLine {
  /** Box drawing before the label. */
  readonly branch: string;
  /** Undefined: the line counts what was left out, in `note`. */
  readonly node?: TreeNode;
  readonly note?: string;
}

/** The tree as lines, depth first. No recursion: a line of descent may be thousands long. */
export function treeLines(root: TreeNode): readonly TreeLine[] {
  const lines: TreeLine[] = [];
  const stack: { item: TreeNode | string; prefix: string; branch: string }[] = [{ item: root, prefix: '', branch: '' }];
  for (let next = stack.pop(); next; next = stack.pop()) {
    const { item, prefix, branch } = next;
    if (typeof item === 'string') {
      lines.push({ branch, note: item });
      continue;
    }
    lines.push({ branch, node: item });
    const note = omittedWords(item.omitted);
    const below: (TreeNode | string)[] = note === '' ? [...item.children] : [...item.children, note];
    for (const [index, child] of [...below.entries()].toReversed()) {
      const isLast = index === below.length - 1;
      stack.push({
        item: child,
        prefix: `${prefix}${isLast ? '   ' : '│  '}`,
        branch: `${prefix}${isLast ? '└─ ' : '├─ '}`,
      });
    }
  }
  return lines;
}

function omittedWords(omitted: Readonly<Record<string, number>>): string {
  const parts = Object.entries(omitted).map(([verdict, number]) => `${number} ${verdict}`);
  return parts.length > 0 ? `… ${parts.join(', ')}` : '';
}

/** One experiment with what is above it and below it, for scripts. */
export interface TreeRow {
  readonly experiment: ExperimentId;
  readonly verdict: ResultRow['verdict'];
  readonly retracted?: ResultRow['retracted'];
  readonly builtOn?: ResultRow['builtOn'];
  readonly parent?: ExperimentId;
  readonly other?: ExperimentId;
  readonly children: readonly ExperimentId[];
  readonly onPathToChampion: boolean;
  readonly statement: string;
}

/** The tree as a flat list, depth first: JSON that is nested thousands deep can't be read by many parsers. */
export function treeRows(root: TreeNode): readonly TreeRow[] {
  return treeLines(root).flatMap(({ node }) =>
    node
      ? {
          experiment: node.row.experiment,
          verdict: node.row.verdict,
          ...(node.row.retracted === undefined ? {} : { retracted: node.row.retracted }),
          ...(node.row.builtOn === undefined ? {} : { builtOn: node.row.builtOn }),
          ...(node === root ? {} : { parent: node.row.parent }),
          ...(node.other === undefined ? {} : { other: node.other }),
          children: node.children.map((child) => child.row.experiment),
          onPathToChampion: node.onPathToChampion,
          statement: node.row.statement,
        }
      : [],
  );
}
