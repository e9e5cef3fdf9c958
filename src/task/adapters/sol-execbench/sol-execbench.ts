import * as z from 'zod';
import { UserError, describeError } from '../../../errors.ts';
import { requiredPackages } from '../../environment/requirements.ts';
import type { Adapter, AdapterCheckout } from '../adapter.ts';
import { upstreamPackages } from '../upstream-packages.ts';
import { indented, listed, quoted } from '../yaml-text.ts';

/** What our judge imports; the official command runs where its further packages are there, and is no condition. */
const USED = ['torch', 'ninja'];
/** Of gpu_kernel_judge.py and of sol_judge.py. A result without one of them counts for nothing. */
const JUDGE_CHECKS = [
  'sol-sources',
  'sol-official',
  'protocol',
  'gpu-kernel-sources',
  'gpu-kernel-canary',
  'gpu-kernel-shape',
  'gpu-kernel-correct',
  'gpu-kernel-precision',
  'gpu-kernel-poison',
  'gpu-kernel-inputs-unchanged',
  'gpu-kernel-late-write',
  'gpu-kernel-fresh',
  'gpu-kernel-clock',
  'gpu-kernel-threads',
  'gpu-kernel-baseline',
  'gpu-kernel-floor',
];
/** What the official command imports beside what our judge does. */
const OFFICIAL = ['pydantic', 'click', 'rich', 'safetensors', 'cupti-python'];
const FP4 = /^float4/;
const MOST_LISTED = 30;

/** The fields of definition.json that decide what a machine must have. The judge checks all of them. */
const definitionSchema = z.object({
  name: z.string(),
  description: z.string().optional(),
  inputs: z.record(z.string(), z.object({ dtype: z.string() })),
  outputs: z.record(z.string(), z.object({ dtype: z.string() })),
  reference: z.string(),
});

/** SOL-ExecBench: one problem, its kernel as fast as the hardware allows (docs/definition.md, docs/workload.md). */
export const solExecbench: Adapter = {
  name: 'sol-execbench',
  repository: 'NVIDIA/SOL-ExecBench',
  commit: '8d2237d2012cba81f64905b273b592653623abf9',
  recognizedBy: ['pyproject.toml', 'src/sol_execbench/__init__.py'],
  options: ['problem', 'data'],
  describe: async (checkout, { problem: given, data }) => {
    const problem = chooseProblem(checkout, given);
    const definition = await readDefinition(checkout, `${problem}/definition.json`);
    const workloads = await checkout.readText(`${problem}/workload.jsonl`);
    const count = workloads.split('\n').filter((line) => line.trim() !== '').length;
    const needsTensors = /"type"\s*:\s*"safetensors"/.test(workloads);
    const needsFp4 = [...Object.values(definition.inputs), ...Object.values(definition.outputs)].some(({ dtype }) =>
      FP4.test(dtype),
    );
    const { packages } = await upstreamPackages(checkout, 'pyproject.toml');
    const used = needsTensors ? [...USED, 'safetensors'] : USED;
    const requirements = [
      ...packages.filter((line) => used.some((name) => requiredPackages([line]).includes(name))),
      'triton',
      'numpy',
    ];
    const optional = packages.filter((line) => OFFICIAL.some((name) => requiredPackages([line]).includes(name)));
    const tensors = data ?? process.env['FLASHINFER_TRACE_DIR'] ?? '~/.cache/flashinfer-trace';
    const kinds = needsFp4 ? 'gpu: { kinds: [B100, B200, B300] }, ' : '';
    return {
      title: `SOL-ExecBench: ${definition.name}`,
      yaml: `description: |
  ${indented(oneParagraph(definition), 2)}
  solution/kernel.py computes the problem's outputs in a function \`run\` with the reference's parameters; it begins as the reference. PyTorch,
  Triton and CUDA C++ are allowed, further files too: solution/solution.json lists them, in the benchmark's own format. Each of the ${count} workloads is checked on fresh inputs while it is timed.
objective: { metric: sol_score_local, direction: maximize }
files:
  editable: [solution/**]
  protected: [${quoted(`${problem}/definition.json`)}, ${quoted(`${problem}/workload.jsonl`)}, 'src/sol_execbench/**']
  max_diff_bytes: 200000
environment:
  python: '>=3.10'
  build: false # packages for a GPU are the machine's: assay check names those that are missing
  requirements: ${indented(listed(requirements), 4)}
${optional.length === 0 ? '' : `  optional: ${indented(listed(optional), 4)} # of the benchmark's own command\n`}${
        needsTensors
          ? `data:
  files:
    - from: ${quoted(tensors)}
      to: tensors
      size: 10GiB
      what: recorded inputs (flashinfer-ai/flashinfer-trace)
      remedy: 'with the network: scripts/download_data.sh in the checkout; FLASHINFER_TRACE_DIR or --data names another place'
`
          : ''
      }# The leaderboard's numbers are of a B200 with locked clocks; a local score compares only with scores of the same machine.
resources: { cores: 2, gpus: 1, ${kinds}memory: 16GiB, disk: 20GiB, processes: 1024, exclusive: true }
phases:
  # The benchmark's own command, unmodified, where its packages are there. It runs the candidate in the process that times it: a claim.
  - name: official
    trust: candidate
    command: ['{python}', -P, -m, assay_judge.sol_official, --problem, ${quoted(`{workspace}/${problem}`)}, --solution, '{workspace}/solution', --source, '{workspace}/src', --output, '{output}']
    timeout: 14m
    stages: [baseline, confirm, final]
${needsTensors ? `    data: [{ from: tensors, to: /data/tensors }]\n    variables: { FLASHINFER_TRACE_DIR: /data/tensors }\n` : ''}  # What counts, on every machine: T_b and T_SOL are measured beside it.
  - name: judge
    trust: judge
    command: ['{python}', -P, -m, assay_judge.sol_judge, --problem, ${quoted(`{workspace}/${problem}`)}, --solution, '{workspace}/solution', --official, '{output}', ${needsTensors ? '--tensors, /data/tensors, ' : ''}--seed, '{seed}', --timeout, '840', --result, '{result}']
    timeout: 15m
    exchange: true
${needsTensors ? `    data: [{ from: tensors, to: /data/tensors }]\n` : ''}    peer:
      trust: candidate
      command: ['{python}', -P, -m, assay_judge.gpu_kernel_host, --solution, '{workspace}/solution/solution.json']
      output: false
audits:
  judge: [${JUDGE_CHECKS.join(', ')}]
range: { low: 0, high: 1 }
validity:
  baseline_runs: 4
  minimum_gain: 0.005
  sigma_floor: 0.002
  confirm_pairs: 5
  final_pairs: 5
`,
      files: new Map([
        ['solution/kernel.py', `${definition.reference.trimEnd()}\n`],
        ['solution/solution.json', solutionJson(definition.name)],
      ]),
      notes: [
        `one problem is one task: ${problem}, ${count} workloads`,
        `the benchmark's own command runs too, as a claim, where its packages are there; the score is measured by our own judge`,
        ...(needsFp4
          ? ['4-bit types are not measured by our own judge yet: every trial of this task will be refused']
          : []),
      ],
    };
  },
};

/** Upstream's format (docs/solution.md); an empty content is read from the file beside it. */
function solutionJson(definition: string): string {
  const solution = {
    name: `${definition}_solution`,
    definition,
    author: 'assay',
    spec: {
      languages: ['pytorch'],
      target_hardware: ['LOCAL'],
      entry_point: 'kernel.py::run',
      dependencies: ['torch'],
      destination_passing_style: false,
    },
    sources: [{ path: 'kernel.py', content: '' }],
  };
  return `${JSON.stringify(solution, undefined, 2)}\n`;
}

function chooseProblem(checkout: AdapterCheckout, given: string | undefined): string {
  const paths = new Set(checkout.paths);
  const problems = checkout.paths
    .filter((path) => path.endsWith('/definition.json'))
    .map((path) => path.slice(0, -'/definition.json'.length))
    .filter((folder) => paths.has(`${folder}/workload.jsonl`));
  const wanted = given?.replace(/^\.\//, '').replace(/\/+$/, '');
  if (wanted !== undefined && problems.includes(wanted)) return wanted;
  const named = problems.slice(0, MOST_LISTED).map((folder) => `  ${folder}`);
  const more = problems.length > named.length ? [`  and ${problems.length - named.length} more`] : [];
  throw new UserError(
    'usage-problem',
    `${given === undefined ? 'one problem is one task, and none is named' : `the checkout has no problem ${given}`}. It has ${problems.length}:\n${[...named, ...more].join('\n')}`,
    `--problem ${problems[0] ?? 'FOLDER'}; scripts/download_data.sh in the checkout fetches the 235 of the benchmark`,
  );
}

async function readDefinition(checkout: AdapterCheckout, path: string): Promise<z.output<typeof definitionSchema>> {
  try {
    return definitionSchema.parse(JSON.parse(await checkout.readText(path)));
  } catch (error) {
    throw new UserError(
      'source-invalid',
      `${path} is no definition of a problem: ${describeError(error)}`,
      'see docs/definition.md of the checkout; name another problem with --problem',
      { cause: error },
    );
  }
}

function oneParagraph({ name, description }: z.output<typeof definitionSchema>): string {
  return `${name}. ${description ?? ''}`.replaceAll(/\s+/g, ' ').trim();
}
