/**
 * A process that appends: `append-loop.fixture.ts FILE NAME COUNT`. Each append has three events; what was acknowledged is printed
 * as its last seq, one a line, before the next append begins.
 */
import { writeSync } from 'node:fs';
import type { AssayEvent } from '../../domain/events.ts';
import { openSqliteStore } from './open-sqlite-store.ts';

const [file = '', name = '', count = '0'] = process.argv.slice(2);
const store = await openSqliteStore(file, { create: true });
for (let index = 0; index < Number(count); index++) {
  const events = [0, 1, 2].map((part): AssayEvent => ({
    type: 'note.written',
    kind: 'insight',
    text: `${name} ${index} ${part}`,
  }));
  const records = await store.append(events);
  writeSync(1, `${records.at(-1)?.seq}\n`);
}
await store[Symbol.asyncDispose]();
