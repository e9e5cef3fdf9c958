import { UserError } from '../errors.ts';

/** Exit codes of every command. Scripts rely on them: a meaning is never changed. */
export const EXIT = {
  ok: 0,
  failed: 1,
  usage: 2,
  taskInvalid: 3,
  campaignBroken: 4,
  campaignHeld: 5,
  cannotRunHere: 6,
  cannotWrite: 7,
  interrupted: 130,
} as const;

export type ExitCode = (typeof EXIT)[keyof typeof EXIT];

/** What each code means, for the reference page. */
export const EXIT_CODE_MEANINGS: Readonly<Record<ExitCode, string>> = {
  0: 'done',
  1: 'failed: a bug of Assay, or an error that no other code names',
  2: 'wrong usage: an unknown command, option, name or experiment',
  3: 'the task or its data is invalid, or its starting point fails',
  4: 'the campaign is missing or broken',
  5: 'another process holds the campaign',
  6: "this machine can't run it: a package, program or device is missing",
  7: 'nothing could be written: disk full or read-only',
  130: 'interrupted',
};

/** Codes of `UserError` that say more than their first word. */
const BY_CODE: Readonly<Record<string, ExitCode>> = {
  'baseline-failed': EXIT.taskInvalid,
  'campaign-busy': EXIT.campaignHeld,
  'campaign-held': EXIT.campaignHeld,
  'campaign-name': EXIT.usage,
  'cache-unwritable': EXIT.cannotWrite,
  'campaign-unwritable': EXIT.cannotWrite,
  'candidate-path': EXIT.taskInvalid,
  'disk-full': EXIT.cannotWrite,
  'lease-lost': EXIT.campaignHeld,
  'report-unwritable': EXIT.cannotWrite,
  'store-busy': EXIT.campaignHeld,
  'store-read-only': EXIT.cannotWrite,
};

/** By the first word of the code. */
const BY_PREFIX: Readonly<Record<string, ExitCode>> = {
  campaign: EXIT.campaignBroken,
  data: EXIT.taskInvalid,
  device: EXIT.cannotRunHere,
  engine: EXIT.campaignHeld,
  environment: EXIT.cannotRunHere,
  executor: EXIT.cannotRunHere,
  experiment: EXIT.usage,
  git: EXIT.cannotRunHere,
  hardware: EXIT.cannotRunHere,
  interrupted: EXIT.interrupted,
  knob: EXIT.taskInvalid,
  machine: EXIT.cannotRunHere,
  package: EXIT.cannotRunHere,
  pattern: EXIT.taskInvalid,
  python: EXIT.cannotRunHere,
  repository: EXIT.campaignBroken,
  resources: EXIT.cannotRunHere,
  sandbox: EXIT.cannotRunHere,
  secret: EXIT.campaignBroken,
  slots: EXIT.cannotRunHere,
  store: EXIT.campaignBroken,
  task: EXIT.taskInvalid,
  usage: EXIT.usage,
};

/** The exit code of whatever ended a command. */
export function exitCodeOf(error: unknown): ExitCode {
  if (error instanceof UserError)
    return BY_CODE[error.code] ?? BY_PREFIX[error.code.split('-', 1)[0] ?? ''] ?? EXIT.failed;
  if (error instanceof Error && error.name === 'AbortError') return EXIT.interrupted;
  return EXIT.failed;
}
