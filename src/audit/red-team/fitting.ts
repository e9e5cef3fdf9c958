import type { Task } from '../../task/task.ts';
import { CATALOGUE } from '../catalogue/catalogue.ts';

/** What an exploit or a control needs of a task. */
export type Need = 'script' | 'language-model' | 'c-kernel';

/** What a task offers: the file that a fragment is put into, by need. */
export type Offers = Readonly<Partial<Record<Need, string>>>;

const LANGUAGE_MODEL_JUDGE = 'assay_judge.language_model';
const KERNEL_JUDGE = 'assay_judge.kernel_judge';

/** Which fragments fit a task, going by its phases: who judges it, and which editable file the candidate's phase runs. */
export function offersOf(task: Task): Offers {
  const { phases } = task.spec;
  const isJudgedBy = (module: string): boolean =>
    phases.some(({ trust, command }) => trust === 'judge' && command.includes(module));
  const script = phases
    .filter(({ trust }) => trust === 'candidate')
    .flatMap(({ command }) => command)
    .find((word) => word.endsWith('.py') && task.isEditable(word));
  const kernels = task.filesFor(task.starts[0]).has('kernels.c') && task.isEditable('kernels.c');
  return {
    ...(script === undefined ? {} : { script }),
    ...(script !== undefined && isJudgedBy(LANGUAGE_MODEL_JUDGE) ? { 'language-model': script } : {}),
    ...(kernels && isJudgedBy(KERNEL_JUDGE) ? { 'c-kernel': 'kernels.c' } : {}),
  };
}

/** Audits that see nothing where files and network are open: a canary that is for them would void each batch. */
export const NEED_SEALS: ReadonlySet<string> = new Set(['network', 'forbidden-paths', 'persistence']);

/** Whether an audit has a rule to hold a candidate to: without a contract on threads, say, no number of threads breaks it. */
export function canFire({ spec }: Task, audit: string): boolean {
  const description = CATALOGUE.get(audit);
  if (!description) return false;
  if (description.runs === 'judge') return spec.audits.judge.includes(audit);
  const timed = spec.phases.filter(({ trust, budget }) => trust === 'candidate' && budget !== undefined);
  switch (audit) {
    case 'thread-census':
    case 'process-census':
      return spec.resources.threads !== undefined && (timed.length > 0 || spec.phases.some(({ peer }) => peer));
    case 'overtime':
      return timed.length > 0;
    case 'untimed-work':
      return timed.some(({ budget }) => budget?.startUpSeconds !== undefined);
    default:
      return true;
  }
}
