import { readFile, readdir, stat } from 'node:fs/promises';
import path from 'node:path';
import { UserError, describeError, systemErrorCode } from '../../errors.ts';
import { checkClaim } from './check-claim.ts';
import { type ContractName, type Verification, unusable } from './claim.ts';
import { type LogClaim, type LogText, claimFromLogs } from './claim-from-logs.ts';
import { readClaimFile } from './read-claim-file.ts';

export type LogOptions = Pick<LogClaim, 'sameHardware' | 'stopStep' | 'againstStopStep' | 'paired'>;

const CLAIM_FILE = /\.(ya?ml|json)$/;
const LOG_FILE = /\.(txt|log)$/;
const PUBLIC_CLAIMS = path.join(import.meta.dirname, 'public');

export interface ClaimFiles {
  /** Where the paths below start. */
  readonly directory: string;
  /** One claim file, or logs and folders of logs. */
  readonly files: readonly string[];
  readonly against: readonly string[];
}

/** Checks one claim file, or the logs in files and folders. */
export async function verifyFiles(
  contract: ContractName,
  { directory, files, against }: ClaimFiles,
  options: LogOptions,
): Promise<Verification> {
  const claimFile = files.find((file) => CLAIM_FILE.test(file));
  if (claimFile !== undefined) {
    if (
      files.length > 1 ||
      against.length > 0 ||
      Object.values(options).some((value) => value !== undefined && value !== false)
    )
      throw new UserError(
        'usage-verify',
        `${claimFile} is a whole claim: no other file and no option for logs can be given with it`,
        'Give one claim file, or only logs',
      );
    const text = await readText(path.resolve(directory, claimFile), claimFile);
    return checkClaim(readClaimFile(claimFile, text, contract).claim);
  }
  const [logs, againstLogs] = await Promise.all([readLogs(directory, files), readLogs(directory, against)]);
  const { claim, problems } = claimFromLogs(contract, { logs, against: againstLogs, ...options });
  return claim === undefined ? unusable(contract, problems) : checkClaim(claim);
}

export interface PublicCase {
  /** Without its ending. */
  readonly name: string;
  readonly title: string;
  readonly source: string;
  readonly expected: string;
  readonly verification: Verification;
}

/** The public claims that ship with Assay, by name. */
export async function verifyPublicCases(): Promise<PublicCase[]> {
  const names = (await readdir(PUBLIC_CLAIMS)).filter((name) => CLAIM_FILE.test(name)).toSorted();
  return Promise.all(
    names.map(async (name) => {
      const { claim, title, source, expected } = readClaimFile(
        name,
        await readText(path.join(PUBLIC_CLAIMS, name), name),
      );
      return {
        name: name.replace(CLAIM_FILE, ''),
        title: title ?? '',
        source: source ?? '',
        expected: expected ?? '',
        verification: checkClaim(claim),
      };
    }),
  );
}

async function readLogs(directory: string, names: readonly string[]): Promise<LogText[]> {
  const files = await Promise.all(names.map((name) => logFilesAt(directory, name)));
  return Promise.all(
    files.flat().map(async (name) => ({ name, text: await readText(path.resolve(directory, name), name) })),
  );
}

/** A folder stands for every log in it. */
async function logFilesAt(directory: string, name: string): Promise<string[]> {
  const place = path.resolve(directory, name);
  try {
    if (!(await stat(place)).isDirectory()) return [name];
    const inside = (await readdir(place)).filter((file) => LOG_FILE.test(file)).toSorted();
    if (inside.length > 0) return inside.map((file) => path.join(name, file));
  } catch (error) {
    throw unreadable(name, error);
  }
  throw new UserError('data-claim-missing', `${name} holds no logs`, 'Logs end in .txt or .log');
}

async function readText(place: string, name: string): Promise<string> {
  try {
    return await readFile(place, 'utf8');
  } catch (error) {
    throw unreadable(name, error);
  }
}

function unreadable(name: string, error: unknown): UserError {
  return systemErrorCode(error) === 'ENOENT'
    ? new UserError('data-claim-missing', `there is no file ${name}`, 'Paths start from --directory')
    : new UserError('data-claim-missing', `${name} can't be read: ${describeError(error)}`, 'Check its permissions', {
        cause: error,
      });
}
