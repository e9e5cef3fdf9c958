import { createHmac, randomUUID, timingSafeEqual } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { link, rm, writeFile } from 'node:fs/promises';
import { systemErrorCode } from '../../errors.ts';

/** Digests that a campaign began with, by audit. */
export type Digests = Readonly<Record<string, string>>;

export type Recorded =
  | { readonly kind: 'missing' }
  | { readonly kind: 'damaged'; readonly detail: string }
  | { readonly kind: 'digests'; readonly digests: Digests };

/** Where a campaign keeps them. */
export interface RecordPlace {
  readonly file: string;
  /** The campaign's secret: who does not know it can damage the record, not forge it. */
  readonly key: Uint8Array;
}

export function readRecord({ file, key }: RecordPlace): Recorded {
  try {
    const { digests, mac } = JSON.parse(readFileSync(file, 'utf8')) as { digests: Digests; mac: string };
    const [given, expected] = [Buffer.from(mac, 'hex'), macOf(key, digests)];
    if (given.length === expected.length && timingSafeEqual(given, expected)) return { kind: 'digests', digests };
  } catch (error) {
    if (systemErrorCode(error) === 'ENOENT') return { kind: 'missing' };
  }
  return { kind: 'damaged', detail: `${file} is not what was written there when the campaign began` };
}

/** Writes it once; of several that try, the first one's stays. */
export async function writeRecord({ file, key }: RecordPlace, digests: Digests): Promise<void> {
  const temporary = `${file}.${randomUUID()}`;
  try {
    await writeFile(temporary, JSON.stringify({ digests, mac: macOf(key, digests).toString('hex') }), { mode: 0o600 });
    await link(temporary, file);
  } catch (error) {
    if (systemErrorCode(error) !== 'EEXIST') throw error;
  } finally {
    await rm(temporary, { force: true });
  }
}

function macOf(key: Uint8Array, digests: Digests): Buffer {
  const rows = Object.entries(digests).sort(([left], [right]) => (left < right ? -1 : 1));
  return createHmac('sha256', key).update('integrity:').update(JSON.stringify(rows)).digest();
}
