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

/** Codes that no error has: of `assay verify`, and of bin/assay.js before and around the program. */
const ELSEWHERE = [8, 69, 70] as const;

/** What each code means, for the reference page. */
export const EXIT_CODE_MEANINGS: Readonly<Record<ExitCode | (typeof ELSEWHERE)[number], string>> = {
  0: 'done',
  1: 'failed: a bug of Assay, or an error that no other code names; of `assay verify`, `reproduce`, `audit` and `redteam`: what was looked at does not hold',
  2: 'wrong usage: an unknown command, option, name or experiment',
  3: 'the task or its data is invalid, or its starting point fails',
  4: 'the campaign is missing or broken',
  5: 'another process holds the campaign',
  6: "this machine can't run it: a package, program, device or file of data is missing; `assay check` names each with its remedy",
  7: 'nothing could be written: disk full or read-only',
  8: '`assay verify` only: the claim is valid, but not shown to be better than its predecessor',
  69: 'Assay could not start: no Node that can run it, or its program is missing',
  70: 'a bug of Assay, in the report of an error',
  130: 'interrupted',
};

/** Codes of `UserError` that say more than their first word. */
const BY_CODE: Readonly<Record<string, ExitCode>> = {
  'attempt-not-written': EXIT.cannotWrite,
  'baseline-failed': EXIT.taskInvalid,
  'campaign-busy': EXIT.campaignHeld,
  'bundle-exists': EXIT.usage,
  'bundle-too-large': EXIT.cannotWrite,
  'campaign-elsewhere': EXIT.cannotRunHere,
  'campaign-exists': EXIT.usage,
  'campaign-held': EXIT.campaignHeld,
  'campaign-name': EXIT.usage,
  'cache-unwritable': EXIT.cannotWrite,
  'campaign-unwritable': EXIT.cannotWrite,
  'candidate-path': EXIT.taskInvalid,
  'comparability-command': EXIT.cannotRunHere,
  'data-exists': EXIT.usage,
  'data-missing': EXIT.usage,
  'disk-full': EXIT.cannotWrite,
  'guards-failed': EXIT.campaignBroken,
  'files-changed': EXIT.campaignBroken,
  'knobs-unreadable': EXIT.taskInvalid,
  'profile-none': EXIT.usage,
  'profile-unfit': EXIT.usage,
  'lease-lost': EXIT.campaignHeld,
  'placeholder-unknown': EXIT.taskInvalid,
  'red-team-empty': EXIT.taskInvalid,
  'red-team-invalid': EXIT.taskInvalid,
  'report-unwritable': EXIT.cannotWrite,
  'reproduction-unclear': EXIT.cannotRunHere,
  'sandbox-unknown': EXIT.usage,
  'source-invalid': EXIT.taskInvalid,
  'start-unknown': EXIT.usage,
  'store-busy': EXIT.campaignHeld,
  'store-read-only': EXIT.cannotWrite,
  'task-exists': EXIT.usage,
  'too-few-cores': EXIT.cannotRunHere,
  'too-few-gpus': EXIT.cannotRunHere,
};

/** By the first word of the code. */
const BY_PREFIX: Readonly<Record<string, ExitCode>> = {
  bundle: EXIT.cannotWrite,
  campaign: EXIT.campaignBroken,
  data: EXIT.taskInvalid,
  device: EXIT.cannotRunHere,
  engine: EXIT.campaignHeld,
  environment: EXIT.cannotRunHere,
  executor: EXIT.cannotRunHere,
  experiment: EXIT.usage,
  git: EXIT.cannotRunHere,
  hardware: EXIT.cannotRunHere,
  import: EXIT.campaignBroken,
  interrupted: EXIT.interrupted,
  profile: EXIT.cannotRunHere,
  knob: EXIT.taskInvalid,
  launcher: EXIT.cannotRunHere,
  machine: EXIT.cannotRunHere,
  package: EXIT.cannotRunHere,
  pattern: EXIT.taskInvalid,
  program: EXIT.cannotRunHere,
  python: EXIT.cannotRunHere,
  repository: EXIT.campaignBroken,
  resources: EXIT.cannotRunHere,
  sandbox: EXIT.cannotRunHere,
  secret: EXIT.campaignBroken,
  slots: EXIT.cannotRunHere,
  store: EXIT.campaignBroken,
  supervisor: EXIT.cannotRunHere,
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
