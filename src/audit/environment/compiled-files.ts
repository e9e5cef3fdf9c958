import { execFile } from 'node:child_process';
import path from 'node:path';

export const COMPILED_FOLDER = '__pycache__';

/**
 * Compiled Python files, the one kind of file that honest use of an interpreter adds: whoever imports a module with it leaves a
 * `.pyc` in `__pycache__`. Trials cannot (their mounts are read-only and PYTHONDONTWRITEBYTECODE is set), but the user's own runs can,
 * while a campaign runs. They may not be ignored either: Python runs a `.pyc` instead of its source. So:
 *
 * - one that is new or has changed is as good as its source when it holds the very code that the interpreter makes of that source, and
 *   the source is in the manifest and unchanged. It is then taken into the manifest, else it counts as a change;
 * - one of another interpreter's is never loaded by a trial, nor is one that was left half written under a temporary name;
 * - one that is gone changes nothing: Python compiles the source again.
 *
 * A `.pyc` beside its source is a module of its own to Python: an ordinary file here.
 */
export function isCompiled(file: string): boolean {
  return file.includes(`/${COMPILED_FOLDER}/`) || file.endsWith(`/${COMPILED_FOLDER}`);
}

const TIMEOUT_MILLISECONDS = 120_000;
const NOBODY = 65_534;

/** The source that a compiled file is of, by its name; undefined: it has no name that Python gives. */
export function sourceOf(file: string): string | undefined {
  const name = /^([^.]+)\.[\w-]+?(\.opt-\w+)?\.pyc$/.exec(path.basename(file))?.[1];
  const folder = path.dirname(file);
  if (name === undefined || path.basename(folder) !== COMPILED_FOLDER) return undefined;
  return path.join(path.dirname(folder), `${name}.py`);
}

/** Left by an interpreter that was killed while it wrote; no import finds it. */
export function isHalfWritten(file: string): boolean {
  return path.basename(path.dirname(file)) === COMPILED_FOLDER && /\.pyc\.\d+$/.test(file);
}

/** A compiled file and its source, by their contents. */
export interface CompiledPair {
  readonly file: string;
  readonly compiled: Uint8Array;
  readonly source: Uint8Array;
}

/** Reads [name, compiled, source] of each, contents in base 64; prints true or false for each. Nothing of either is run. */
const COMPARE = `
import base64, json, marshal, sys
def same(name, compiled, source):
    parts = name.split(".")
    if parts[1] != sys.implementation.cache_tag:
        return True
    level = int(parts[2][4:]) if parts[2].startswith("opt-") else 0
    code = marshal.loads(base64.b64decode(compiled)[16:])
    made = compile(base64.b64decode(source), code.co_filename, "exec", dont_inherit=True, optimize=level)
    return type(code) is type(made) and code == made
verdicts = []
for pair in json.load(sys.stdin):
    try:
        verdicts.append(same(*pair))
    except Exception:
        verdicts.append(False)
print(json.dumps(verdicts))
`;

/**
 * Which of the compiled files hold what their sources say. Done by the interpreter that would load them, as a user without rights where
 * we are root (unless only root can run it): it reads bytes that somebody may have forged. An interpreter that fails vouches for none.
 */
export async function vouchedFor(python: string, pairs: readonly CompiledPair[]): Promise<ReadonlySet<string>> {
  if (pairs.length === 0) return new Set();
  const question = JSON.stringify(
    pairs.map(({ file, compiled, source }) => [
      path.basename(file),
      Buffer.from(compiled).toString('base64'),
      Buffer.from(source).toString('base64'),
    ]),
  );
  const asNobody = process.getuid?.() === 0 ? await ask(python, question, { uid: NOBODY, gid: NOBODY }) : undefined;
  const printed = asNobody ?? (await ask(python, question, {}));
  return new Set(printed === undefined ? [] : agreed(printed, pairs));
}

/** What the interpreter prints; undefined if it does not run to its end. */
function ask(python: string, question: string, user: { uid?: number; gid?: number }): Promise<string | undefined> {
  const limits = { timeout: TIMEOUT_MILLISECONDS, maxBuffer: 16 * 2 ** 20, env: { PATH: '/usr/bin:/bin' }, cwd: '/' };
  return new Promise<string | undefined>((resolve) => {
    const child = execFile(python, ['-I', '-S', '-B', '-c', COMPARE], { ...limits, ...user }, (error, stdout) => {
      resolve(error ? undefined : stdout);
    });
    child.stdin?.on('error', () => undefined);
    child.stdin?.end(question);
    // Thrown, not called back, where the user does not exist: a container in which root is alone.
  }).catch(() => undefined);
}

function agreed(printed: string, pairs: readonly CompiledPair[]): string[] {
  const verdicts: unknown = JSON.parse(printed);
  if (!Array.isArray(verdicts) || verdicts.length !== pairs.length) return [];
  return pairs.flatMap(({ file }, index) => (verdicts[index] === true ? [file] : []));
}
