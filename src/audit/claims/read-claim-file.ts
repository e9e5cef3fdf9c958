import * as z from 'zod';
import { UserError } from '../../errors.ts';
import type { JsonSchemaNode } from '../../task/json-schema.ts';
import { type Problem, describeProblem } from '../../task/problem.ts';
import { schemaProblems } from '../../task/schema-problems.ts';
import { readYaml } from '../../task/yaml-source.ts';
import { CLAIM_SCHEMAS } from './claim-schema.ts';
import { CONTRACTS, type ClaimOutcome, type ContractName, type PublicClaim } from './claim.ts';

export interface ClaimFile {
  readonly claim: PublicClaim;
  readonly title: string | undefined;
  readonly source: string | undefined;
  /** For the cases that ship. */
  readonly expected: ClaimOutcome | undefined;
}

/**
 * A claim in YAML, and so in JSON.
 *
 * @param contract what the caller expects; undefined: whatever the file says.
 * @throws UserError `data-claim` with every mistake, its line and its key.
 */
export function readClaimFile(file: string, text: string, contract?: ContractName): ClaimFile {
  const { source, problems } = readYaml(file, text);
  if (problems.length > 0) throw claimError(file, problems);
  const named = (source.value as { contract?: unknown } | null | undefined)?.contract;
  const known = CONTRACTS.find((name) => name === named);
  if (known === undefined || (contract !== undefined && known !== contract)) {
    const expected = contract === undefined ? CONTRACTS.map((name) => `'${name}'`).join(' or ') : `'${contract}'`;
    throw claimError(file, [source.problem(['contract'], { expected })]);
  }
  switch (known) {
    case 'speedrun-track-1': {
      const { claim, baseline, ...about } = parse(CLAIM_SCHEMAS[known]);
      const { same_hardware: sameHardware, ...measured } = baseline ?? {};
      return fileOf(about, {
        contract: known,
        claim,
        ...(baseline === undefined
          ? {}
          : { baseline: { seconds: baseline.seconds, ...measured, sameHardware: sameHardware === true } }),
      });
    }
    case 'speedrun-track-3': {
      const { claim, predecessor, ...about } = parse(CLAIM_SCHEMAS[known]);
      return fileOf(about, { contract: known, claim, predecessor });
    }
    case 'nanochat': {
      const { claim, baseline, paired, ...about } = parse(CLAIM_SCHEMAS[known]);
      return fileOf(about, {
        contract: known,
        claim,
        baseline: { bpb: baseline.bpb, seeds: baseline.seeds, sameHardware: baseline.same_hardware },
        paired,
      });
    }
  }

  function parse<Schema extends z.ZodType>(schema: Schema): z.infer<Schema> {
    const parsed = schema.safeParse(source.value);
    if (parsed.success) return parsed.data;
    const described = z.toJSONSchema(schema, { io: 'input' }) as JsonSchemaNode;
    const issues = parsed.error.issues.flatMap((issue) => unfoldUnion(issue, source.value));
    throw claimError(file, schemaProblems(source, described, issues));
  }
}

/** Of "a list, or statistics", only what is wrong with the one that was meant. */
function unfoldUnion(issue: z.core.$ZodIssue, root: unknown): z.core.$ZodIssue[] {
  if (issue.code !== 'invalid_union') return [issue];
  const value = issue.path.reduce<unknown>(
    (inside, key) => (inside as Readonly<Record<PropertyKey, unknown>> | undefined)?.[key],
    root,
  );
  if (typeof value !== 'object' || value === null) return [issue];
  const meant = issue.errors[Array.isArray(value) ? 0 : 1] ?? [];
  return meant.map((inner) => ({ ...inner, path: [...issue.path, ...inner.path] }));
}

function fileOf(
  about: { title?: string | undefined; source?: string | undefined; expect?: ClaimOutcome | undefined },
  claim: PublicClaim,
): ClaimFile {
  return { claim, title: about.title, source: about.source, expected: about.expect };
}

function claimError(file: string, problems: readonly Problem[]): UserError {
  const count = problems.length === 1 ? 'a mistake' : `${problems.length} mistakes`;
  return new UserError(
    'data-claim',
    `the claim in ${file} has ${count}:\n${problems.map((problem) => `  ${describeProblem(problem)}`).join('\n')}`,
    'docs/architecture/verify.md shows a claim file of each contract',
  );
}
