import type { Pattern } from './patterns.ts';
import type { TaskSpec } from './schema.ts';
import type { TaskFile } from './task-files.ts';

/** A task that was read and checked. A snapshot: later changes in its folder do not reach it. */
export interface Task {
  /** Absolute, without links. */
  readonly folder: string;
  /** Absolute path of task.yaml. */
  readonly file: string;
  readonly name: string;
  readonly title: string;
  readonly description: string;
  readonly spec: TaskSpec;
  /** Names of the starting points; the first is the default. */
  readonly starts: readonly [string, ...string[]];
  readonly files: readonly TaskFile[];
  readonly patterns: readonly Pattern[];
  /** pip's requirements, a line each, wherever they were written. */
  readonly requirements: readonly string[];
  /** SHA-256 over everything task.yaml says (not how it is laid out) and over the content of every file it refers to. */
  readonly hash: string;
  /**
   * The editable and protected files of a starting point by path. A fresh map; the contents are shared.
   *
   * @throws UserError if there is no such starting point.
   */
  filesFor(start?: string): Map<string, Buffer>;
  /** Whether a candidate may change or create the file. A path that is also protected is not editable. */
  isEditable(path: string): boolean;
  isProtected(path: string): boolean;
}
