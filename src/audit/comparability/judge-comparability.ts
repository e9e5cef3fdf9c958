import { randomBytes } from 'node:crypto';
import type { AuditReport } from '../../domain/audit.ts';
import { describeError } from '../../errors.ts';
import type { Task } from '../../task/task.ts';
import { COMPARABILITY_AUDIT } from '../catalogue/static-audits.ts';
import type { FileChange } from '../static/change-input.ts';
import { counted, listed } from '../static/change-input.ts';
import { reportOf } from '../static/report.ts';
import type { AskModel, Prompt } from './ask-model.ts';
import { neutralCode } from './neutral-code.ts';
import { contrastiveQuestion, isolatedQuestion, type TaskWords } from './questions.ts';
import { readAnswer, type ModelAnswer } from './read-answer.ts';

/** Characters of code that a model is shown in one question. */
const LARGEST_CODE = 200_000;

export interface ComparabilityInput {
  readonly ask: AskModel;
  readonly task: TaskWords;
  readonly changes: readonly FileChange[];
  /** Absolute path of the interpreter whose parser reads Python files. */
  readonly python: string;
  readonly signal: AbortSignal;
}

/**
 * Asks a model, twice, whether a change leaves the task the same. Triage: the report is 'passed' only if both answers could be read and
 * say yes, else 'noted'; never 'fired'. Nothing may be decided on it, and a 'passed' makes up for nothing that another audit found.
 */
export async function judgeComparability({
  ask,
  task,
  changes,
  python,
  signal,
}: ComparabilityInput): Promise<AuditReport> {
  const code = await neutralCode(changes, python);
  const size = code.after.length + (code.before?.length ?? 0);
  if (code.after === '' && code.before === undefined) return noted(['no code to show', ...code.hidden]);
  if (size > LARGEST_CODE) return noted([`the code has ${size} characters, more than ${LARGEST_CODE}`]);
  const answers = await Promise.all(
    [isolatedQuestion, contrastiveQuestion].map((question) => {
      // Drawn when the code is fixed, anew for each question: no code holds it.
      const nonce = randomBytes(12).toString('hex');
      return askOnce(ask, question(task, code, nonce), nonce, signal);
    }),
  );
  const read = answers.filter(({ kind }) => kind === 'answer').length;
  const words = answers.map((answer, index) => `${index === 0 ? 'alone' : 'beside its parent'}: ${inWords(answer)}`);
  const counts = `${read} of ${answers.length} answers`;
  const isSame = answers.every((answer) => answer.kind === 'answer' && answer.sameTask === 'yes');
  if (!isSame || code.hidden.length > 0) return noted([counts, ...words, ...code.hidden]);
  return reportOf(
    COMPARABILITY_AUDIT,
    'passed',
    `${counts} on ${counted(changes.length, 'file')}; both say that it is the same task`,
  );
}

async function askOnce(ask: AskModel, prompt: Prompt, nonce: string, signal: AbortSignal): Promise<ModelAnswer> {
  try {
    return readAnswer(await ask(prompt, signal), nonce);
  } catch (error) {
    return { kind: 'none', why: describeError(error) };
  }
}

function inWords(answer: ModelAnswer): string {
  if (answer.kind === 'none') return `no answer (${answer.why})`;
  return `${answer.sameTask} (${answer.concern}): “${answer.reason}”`;
}

function noted(words: readonly string[]): AuditReport {
  return reportOf(COMPARABILITY_AUDIT, 'noted', listed(words));
}

/** What a model is told of the task: its own words. */
export function taskWordsOf(task: Task): TaskWords {
  const { metric, unit, direction } = task.spec.objective;
  return {
    title: task.title,
    description: task.description,
    objective: `${metric}${unit === undefined ? '' : ` (${unit})`}, to be ${direction === 'minimize' ? 'minimized' : 'maximized'}`,
  };
}
