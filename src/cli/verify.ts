import type { Command } from 'commander';
import type { ClaimOutcome, Verification } from '../audit/claims/claim.ts';
import type { PublicCase } from '../audit/claims/load-claim.ts';
import { UserError } from '../errors.ts';
import { directoryOf, examples, wholeNumber, withJson } from './options.ts';
import { type Output, openOutput, printable } from './output.ts';

interface Options {
  readonly against?: readonly string[];
  readonly sameHardware?: boolean;
  readonly paired?: boolean;
  readonly step?: number;
  readonly againstStep?: number;
  readonly public?: boolean;
}

/** Exit codes of `assay verify`. 3 has its meaning everywhere, invalid data; 8 is only used here. */
export const VERIFY_EXIT: Readonly<Record<ClaimOutcome, number>> = {
  accepted: 0,
  rejected: 1,
  unusable: 3,
  'valid-but-not-pairwise-significant': 8,
};

const CONTRACT_NAMES = ['speedrun-track-1', 'speedrun-track-3', 'nanochat'] as const;

const OUTCOME_WORDS: Readonly<Record<ClaimOutcome, string>> = {
  accepted: 'accepted',
  rejected: 'rejected',
  unusable: 'unusable',
  'valid-but-not-pairwise-significant': 'valid, not pairwise significant',
};

export function registerVerify(program: Command): void {
  withJson(
    program
      .command('verify')
      .description('check a public claim from its logs or numbers, with the contract of its benchmark'),
  )
    .argument('[contract]', `${CONTRACT_NAMES.slice(0, -1).join(', ')} or ${CONTRACT_NAMES.at(-1)}`)
    .argument('[files...]', 'a claim file (.yaml, .json), or logs and folders of logs: every run of the claim')
    .option('--against <files...>', 'logs of the baseline or predecessor: every run of it')
    .option('--same-hardware', 'the runs of --against were made on the hardware of the claim')
    .option('--paired', 'nanochat: the logs of both sides belong together, in the order given')
    .option('--step <n>', 'track 3: the common step at which the runs are read (default: the last)', wholeNumber)
    .option('--against-step <n>', 'track 3: the same for --against', wholeNumber)
    .option('--public', 'check the public claims that ship with Assay')
    .addHelpText(
      'after',
      `${examples([
        ['assay verify speedrun-track-1 claim.yaml', 'numbers from a file'],
        ['assay verify speedrun-track-1 this_pr --against baseline --same-hardware', 'two folders of logs'],
        ['assay verify --public', 'known claims, and what becomes of them'],
      ])}

Exit codes:
  0  accepted (--public: every case as expected)
  1  rejected (--public: a case is not as expected)
  3  unusable: the claim or its logs can't be judged
  8  valid, but not shown to be better than its predecessor`,
    )
    .action(async (contract: string | undefined, files: readonly string[], options: Options, command: Command) => {
      const { verifyFiles, verifyPublicCases } = await import('../audit/claims/load-claim.ts');
      const output = openOutput(command);
      if (options.public === true) {
        if (contract !== undefined)
          throw usage('--public takes no contract and no files', 'Run: assay verify --public');
        showPublic(output, await verifyPublicCases());
        return;
      }
      const known = CONTRACT_NAMES.find((name) => name === contract);
      if (known === undefined)
        throw usage(
          contract === undefined ? 'no contract is given' : `there is no contract '${contract}'`,
          `Contracts: ${CONTRACT_NAMES.join(', ')}`,
        );
      if (files.length === 0) throw usage('no claim file and no logs are given', 'See assay verify --help');
      checkOptions(known, options);
      const given = { directory: directoryOf(command), files, against: options.against ?? [] };
      const verification = await verifyFiles(known, given, {
        sameHardware: options.sameHardware === true,
        paired: options.paired === true,
        stopStep: options.step,
        againstStopStep: options.againstStep,
      });
      showVerification(output, verification);
      process.exitCode = VERIFY_EXIT[verification.outcome];
    });
}

function checkOptions(contract: string, { step, againstStep, paired }: Options): void {
  if (contract !== 'speedrun-track-3' && (step ?? againstStep) !== undefined)
    throw usage('--step and --against-step belong to speedrun-track-3', 'Leave them out');
  if (contract !== 'nanochat' && paired === true) throw usage('--paired belongs to nanochat', 'Leave it out');
}

function showVerification(output: Output, verification: Verification): void {
  if (output.isJson) {
    output.json('assay.verify.v1', verification);
    return;
  }
  const { outcome, reasons, warnings, checks } = verification;
  output.print(output.style(colour(outcome), OUTCOME_WORDS[outcome]));
  for (const reason of reasons) output.print(`  ${printable(reason)}`);
  for (const warning of warnings) output.print(`  note: ${printable(warning)}`);
  for (const { name, asked, passed, numbers } of checks) {
    output.print(`  ${name.padEnd(10)} ${passed ? 'met' : 'not met'}: ${asked}`);
    output.print(`  ${' '.repeat(10)} ${numberWords(numbers)}`);
  }
}

function showPublic(output: Output, cases: readonly PublicCase[]): void {
  const asExpected = cases.every(({ expected, verification }) => expected === verification.outcome);
  process.exitCode = asExpected ? 0 : 1;
  if (output.isJson) {
    output.json('assay.verify-public.v1', { asExpected, cases });
    return;
  }
  output.table(
    [
      { title: 'contract', dispensable: 1 },
      { title: 'claim', flexible: true },
      { title: 'outcome' },
      { title: 'expected', style: () => 'red' },
      { title: 'n', align: 'right' },
      { title: 'deciding numbers', dispensable: 2 },
    ],
    cases.map(({ title, expected, verification }) => [
      verification.contract,
      title,
      OUTCOME_WORDS[verification.outcome],
      expected === verification.outcome ? '' : expected,
      String(verification.checks[0]?.numbers['lossN'] ?? verification.checks[0]?.numbers['bpbN'] ?? ''),
      verification.checks.map(decidingNumbers).filter(Boolean).join('; '),
    ]),
  );
  output.print(
    asExpected
      ? `${cases.length} public claims, each as expected`
      : 'a public claim did not come out as expected: this is a bug in Assay or in the claim file',
  );
}

function decidingNumbers({ name, numbers }: Verification['checks'][number]): string {
  const shown = ['statistic', 't', 'p'].filter((key) => numbers[key] !== undefined);
  return shown.length === 0 ? '' : `${name} ${shown.map((key) => `${key}=${short(numbers[key])}`).join(' ')}`;
}

function numberWords(numbers: Readonly<Record<string, number>>): string {
  return Object.entries(numbers)
    .map(([key, value]) => `${key}=${key.endsWith('Mean') ? String(Number(value.toPrecision(8))) : short(value)}`)
    .join(' ');
}

function short(value: number | undefined): string {
  return value === undefined ? '' : Number.isInteger(value) ? String(value) : String(Number(value.toPrecision(3)));
}

function colour(outcome: ClaimOutcome): 'green' | 'yellow' | 'red' {
  return outcome === 'accepted' ? 'green' : outcome === 'rejected' ? 'red' : 'yellow';
}

function usage(message: string, hint: string): UserError {
  return new UserError('usage-verify', message, hint);
}
