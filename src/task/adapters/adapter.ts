/**
 * What an adapter knows: how a published benchmark is written down as a task. It reads a checkout once and gives the text of task.yaml;
 * from then on the task is a task like any other, and nothing of Assay asks where it came from.
 */
export interface Adapter {
  readonly name: string;
  /** owner/name. */
  readonly repository: string;
  /** The commit whose rules and formats it follows, in full. */
  readonly commit: string;
  /** Files that every checkout has, whatever its commit. */
  readonly recognizedBy: readonly string[];
  /** The options it takes. */
  readonly options: readonly AdapterOptionName[];
  /** @throws UserError for an option it can't follow. */
  describe(checkout: AdapterCheckout, options: AdapterOptions): Promise<AdapterTask>;
}

export interface AdapterOptions {
  readonly track?: number;
  readonly gpus?: number;
  /** Folder of a problem, from the checkout. */
  readonly problem?: string;
  /** Absolute folder of the data, in place of where the benchmark keeps it. */
  readonly data?: string;
  /** Modules of ours in place of the packages that only a network gives. */
  readonly substitutes?: boolean;
  /** Of training, in place of the benchmark's. */
  readonly seconds?: number;
  /** Of training in screens, in place of the same as elsewhere. */
  readonly screenSeconds?: number;
}

export type AdapterOptionName = keyof AdapterOptions;

/** As it is written on the command line. */
export function flagOf(name: string): string {
  return `--${name.replaceAll(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`;
}

export interface AdapterCheckout {
  /** Absolute. */
  readonly folder: string;
  /** Paths of its files, with '/'. */
  readonly paths: readonly string[];
  /** The text of one of them. */
  readText(path: string): Promise<string>;
}

export interface AdapterTask {
  /** One line. */
  readonly title: string;
  /** What stands in task.yaml below name, title and source. */
  readonly yaml: string;
  /** Of `source: substitutes`. */
  readonly substitutes?: readonly string[];
  /** Further files of the task's folder, by path. */
  readonly files?: ReadonlyMap<string, string>;
  /** What the user has to know, a sentence each. */
  readonly notes?: readonly string[];
}
