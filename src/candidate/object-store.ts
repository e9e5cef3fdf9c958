import { randomBytes } from 'node:crypto';
import { mkdirSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { deflate, deflateSync, inflate } from 'node:zlib';
import { systemErrorCode } from '../errors.ts';
import { GitServer, type AnswerParser } from './git-server.ts';
import { objectHeader, type GitObject, type ObjectType } from './object-format.ts';

const deflateLater = promisify(deflate);
const inflateLater = promisify(inflate);
/** Above this the compression leaves our thread. */
const LARGE_BYTES = 128 * 1024;

/**
 * Objects of the repository: written as loose files by ourselves (no process), read from memory, from the loose file, or from the
 * packs through a `git cat-file` that stays.
 */
export class ObjectStore implements AsyncDisposable {
  readonly #objects: string;
  readonly #server: GitServer;
  readonly #cache = new Map<string, GitObject>();
  #cachedBytes = 0;
  readonly #cacheBytes: number;

  constructor(directory: string, cacheBytes: number) {
    this.#objects = join(directory, 'objects');
    this.#server = new GitServer(directory, ['cat-file', '--batch']);
    this.#cacheBytes = cacheBytes;
  }

  /**
   * Atomic: the object is there whole or not at all, however many processes write it. Write what it refers to first.
   *
   * Calls the file system directly: five calls that end in the page cache cost less than one turn through the thread pool,
   * above all on a machine whose cores are busy with trials.
   */
  async write(object: GitObject): Promise<void> {
    const folder = join(this.#objects, object.id.slice(0, 2));
    const path = join(folder, object.id.slice(2));
    this.#remember(object);
    // An empty file is what a machine that lost its power can leave behind: written again.
    if (statSync(path, { throwIfNoEntry: false })?.size) return;
    const plain = Buffer.concat([Buffer.from(objectHeader(object.type, object.body)), object.body]);
    const packed =
      plain.length > LARGE_BYTES ? await deflateLater(plain, { level: 1 }) : deflateSync(plain, { level: 1 });
    // `git prune` knows files of this name as leftovers of a killed writer.
    const temporary = join(folder, `tmp_obj_${randomBytes(9).toString('base64url')}`);
    for (let attempt = 1; ; attempt++) {
      try {
        writeFileSync(temporary, packed, { flag: 'wx', mode: 0o444 });
        renameSync(temporary, path);
        return;
      } catch (error) {
        rmSync(temporary, { force: true });
        // The folder is not there yet, or a repack that emptied it removed it just now.
        if (systemErrorCode(error) !== 'ENOENT' || attempt > 10) throw error;
        mkdirSync(folder, { recursive: true });
      }
    }
  }

  /** The body is shared with the cache: do not change it. @throws Error if there is no such object or it has another type. */
  async read(id: string, type: ObjectType): Promise<Buffer> {
    const known = this.#cache.get(id);
    const object = known ?? (await this.#readLoose(id)) ?? (await this.#server.ask(`${id}\n`, parseBatchAnswer(id)));
    if (object === undefined) throw new Error(`the candidate repository has no object ${id}`);
    if (object.type !== type) throw new Error(`object ${id} is a ${object.type}, not a ${type}`);
    this.#remember(object);
    return object.body;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#server[Symbol.asyncDispose]();
  }

  async #readLoose(id: string): Promise<GitObject | undefined> {
    const file = await readFile(join(this.#objects, id.slice(0, 2), id.slice(2))).catch(() => undefined);
    if (file === undefined || file.length === 0) return undefined;
    const plain: Buffer = await inflateLater(file);
    const end = plain.indexOf(0);
    const type = plain.toString('latin1', 0, plain.indexOf(0x20)) as ObjectType;
    return { id, type, body: plain.subarray(end + 1) };
  }

  /** Least recently used objects leave first. */
  #remember(object: GitObject): void {
    if (object.body.length > this.#cacheBytes / 4) return;
    if (this.#cache.delete(object.id)) this.#cachedBytes -= object.body.length + 200;
    this.#cache.set(object.id, object);
    this.#cachedBytes += object.body.length + 200;
    for (const [id, oldest] of this.#cache) {
      if (this.#cachedBytes <= this.#cacheBytes) break;
      this.#cache.delete(id);
      this.#cachedBytes -= oldest.body.length + 200;
    }
  }
}

/** `<id> <type> <size>\n<body>\n`, or `<id> missing\n`. */
function parseBatchAnswer(id: string): AnswerParser<GitObject | undefined> {
  return (received) => {
    const end = received.indexOf(10);
    if (end < 0) return received.length + 1;
    const [, type, size] = received.toString('latin1', 0, end).split(' ');
    if (size === undefined) return { value: undefined, used: end + 1 };
    const used = end + 1 + Number(size) + 1;
    if (received.length < used) return used;
    const body = Buffer.from(received.subarray(end + 1, used - 1));
    return { value: { id, type: type as ObjectType, body }, used };
  };
}
