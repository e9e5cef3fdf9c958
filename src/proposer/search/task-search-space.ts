import type { CandidateRepository } from '../../candidate/candidate-repository.ts';
import type { CandidateId } from '../../domain/ids.ts';
import type { KnobSpace } from '../../search/knob-space.ts';
import { discoverKnobs, knobDimension } from '../../task/knobs.ts';
import { patternState, type PatternState } from '../../task/patterns.ts';
import type { Task } from '../../task/task.ts';
import type { SearchSpace } from './search-space.ts';

/** So many candidates are remembered: the champions of the last while, not every experiment. */
const REMEMBERED = 64;

/** Knobs and patterns of candidates in a repository. @param python absolute path of the interpreter that reads constants. */
export function taskSearchSpace(repository: CandidateRepository, task: Task, python: string): SearchSpace {
  const texts = remember(async (candidate) => {
    const files = await repository.readFiles(candidate, (path) => task.isEditable(path));
    return new Map([...files].map(([path, content]) => [path, content.toString('utf8')]));
  });
  const knobs = remember(async (candidate): Promise<KnobSpace> => {
    const found = await discoverKnobs({ python, files: await texts(candidate), task });
    return found.map(knobDimension).filter((knob) => knob.kind !== 'choice' || knob.choices.length > 1);
  });
  const patternStates = remember(async (candidate): Promise<ReadonlyMap<string, PatternState>> => {
    const files = await texts(candidate);
    return new Map(task.patterns.map((pattern) => [pattern.id, patternState(files, pattern)]));
  });
  return { patterns: task.patterns, knobs, patternStates };
}

/** The last few answers; a failed one is not kept. */
function remember<Value>(find: (candidate: CandidateId) => Promise<Value>): (candidate: CandidateId) => Promise<Value> {
  const answers = new Map<CandidateId, Promise<Value>>();
  return (candidate) => {
    const known = answers.get(candidate);
    if (known) return known;
    const answer = find(candidate);
    answers.set(candidate, answer);
    answer.catch(() => answers.delete(candidate));
    const oldest = answers.keys().next().value;
    if (answers.size > REMEMBERED && oldest !== undefined) answers.delete(oldest);
    return answer;
  };
}
