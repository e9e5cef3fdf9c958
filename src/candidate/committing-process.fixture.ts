import { experimentId } from '../domain/ids.ts';
import { openCandidateRepository } from './candidate-repository.ts';

/** A process of its own that commits, for tests: DIRECTORY FIRST COUNT. It says `ready` after its first commit. */
const [directory = '', first = '', count = ''] = process.argv.slice(2);
await using repository = await openCandidateRepository(directory);
let parent = await repository.commit({
  files: new Map([
    ['f', 'start\n'],
    ['lib/g', 'g\n'],
  ]),
  message: 'start',
  at: 0,
});
for (let number = Number(first); number < Number(first) + Number(count); number++) {
  // Half of what two processes write is the same, so that they meet at the same objects.
  const content = `${number % 1000 < 500 ? number % 100 : number}\n`.repeat(300);
  parent = await repository.commitChange({
    parent,
    changes: new Map([
      ['f', content],
      ['lib/g', `${number % 50}`],
    ]),
    message: 'm',
    at: 0,
    experiment: experimentId(number),
  });
  if (number === Number(first)) process.stdout.write('ready\n');
}
