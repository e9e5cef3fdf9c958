import type { DatabaseSync, StatementSync } from 'node:sqlite';
import type { AssayEvent } from '../../domain/events.ts';
import type { EventRecord, ReadOptions } from '../store.ts';
import { READ_ALL, READ_BY_EXPERIMENT, READ_BY_TYPE } from './schema.sql.ts';
import { broken } from './sqlite-errors.ts';

/** Rows fetched at once. A page bounds the memory, and no read transaction stays open between two (it would stop checkpoints). */
const PAGE_ROWS = 1000;

interface Row {
  readonly seq: number;
  readonly at: number;
  readonly data: string;
}

/** The records up to and including `end`, in order: what is appended meanwhile is not seen. */
export function* readEvents(
  database: DatabaseSync,
  file: string,
  end: number,
  options: ReadOptions,
): Generator<EventRecord, void> {
  const { experiment, types } = options;
  const after = options.after ?? 0;
  const limit = options.limit ?? Number.POSITIVE_INFINITY;
  let count = 0;
  for (const row of rows()) {
    if (count >= limit) return;
    const event = parse(row);
    if (experiment !== undefined && types !== undefined && !types.includes(event.type)) continue;
    count++;
    yield { seq: row.seq, at: row.at, event };
  }

  function rows(): Iterable<Row> {
    if (experiment !== undefined) return pages(database.prepare(READ_BY_EXPERIMENT), after, end, limit, experiment);
    if (types === undefined) return withoutGap(pages(database.prepare(READ_ALL), after, end, limit), after, file);
    const statement = database.prepare(READ_BY_TYPE);
    return inOrder([...new Set(types)].map((type) => pages(statement, after, end, limit, type)));
  }

  function parse(row: Row): AssayEvent {
    try {
      return JSON.parse(row.data) as AssayEvent;
    } catch (error) {
      throw broken(file, `event ${row.seq} is not JSON`, error);
    }
  }
}

function* pages(
  statement: StatementSync,
  after: number,
  end: number,
  limit: number,
  name?: string,
): Generator<Row, void> {
  const size = Math.min(PAGE_ROWS, limit);
  let last = Math.max(0, after);
  while (last < end) {
    const parameters = name === undefined ? [last, end, size] : [last, end, size, name];
    const page = statement.all(...parameters) as unknown as Row[];
    yield* page;
    if (page.length < size) return;
    last = page.at(-1)?.seq ?? end;
  }
}

/** The log is gapless: a hole means that something else has written into the file. */
function* withoutGap(rows: Iterable<Row>, after: number, file: string): Generator<Row, void> {
  let last = Math.max(0, after);
  for (const row of rows) {
    if (row.seq !== last + 1) throw broken(file, `event ${last + 1} is missing`);
    last = row.seq;
    yield row;
  }
}

/** Merges sources that are each in order. One for each event type: few. */
function* inOrder(sources: readonly Generator<Row, void>[]): Generator<Row, void> {
  const heads = sources.map((source) => source.next());
  while (true) {
    let first: number | undefined;
    let firstSeq = Number.POSITIVE_INFINITY;
    for (const [index, head] of heads.entries()) {
      if (head.done === true || head.value.seq >= firstSeq) continue;
      first = index;
      firstSeq = head.value.seq;
    }
    const head = first === undefined ? undefined : heads[first];
    const source = first === undefined ? undefined : sources[first];
    if (first === undefined || source === undefined || head === undefined || head.done === true) return;
    yield head.value;
    heads[first] = source.next();
  }
}
