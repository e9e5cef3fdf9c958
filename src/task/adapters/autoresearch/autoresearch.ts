import { UserError } from '../../../errors.ts';
import type { Adapter } from '../adapter.ts';
import { hubFolder } from '../hub-cache.ts';
import { type MadeDataNote, NOTE_MOUNT, noteEntry, readMadeData } from '../made-data.ts';
import { upstreamPackages } from '../upstream-packages.ts';
import { indented, listed, quoted } from '../yaml-text.ts';

/** Where prepare.py keeps shards and tokenizer, and which shard it evaluates on (prepare.py: CACHE_DIR, VAL_FILENAME). */
const CACHE = '~/.cache/autoresearch';
const VALIDATION_SHARD = 'shard_06542.parquet';
/** The last of the ten that prepare.py fetches unasked: kept from training, for the judge alone. */
const HIDDEN_SHARD = 'shard_00009.parquet';
/** FlashAttention-3 for Hopper, as train.py names it. */
const ATTENTION = 'varunneal/flash-attention-3';
/** For the notebook and the download only. */
const UNUSED = ['matplotlib', 'pandas', 'requests'];
/** What modules of ours can stand in for; torch's attention for windows of its own came with 2.11. */
const SUBSTITUTES = ['kernels', 'rustbpe'];
const TORCH_OF_SUBSTITUTES = 'torch>=2.11';
/** prepare.py: TIME_BUDGET and EVAL_TOKENS. */
const SECONDS = 300;
const EVALUATED_TOKENS = 40 * 524_288;
/** train.py: DEVICE_BATCH_SIZE rows of 2048. prepare.py evaluates whole batches, and divides by zero where there is none. */
const BATCH_TOKENS = 128 * 2048;
/** Of a shard's tokens, those that come into rows before a document comes again. */
const PACKED_SHARE = 0.57;
/** Compiling, the steps that are not timed, and the program's own evaluation: 300 s and this are the ten minutes of the rules. */
const BESIDE_SECONDS = 300;

const CHECKS = [
  'output-files',
  'checkpoint-size',
  'checkpoint-code',
  'train-clock',
  'free-steps',
  'tokens-scored',
  'finite',
  'statelessness',
  'logits-recomputed',
  'causality',
  'normalised',
  'plausible',
  'untimed-load',
  'scoring-work',
  'hidden-split',
  'weights-unchanged',
  'protocol',
  'deviations',
];

/** NanoChat Autoresearch: the best val_bpb of a model trained for 300 s on one GPU (program.md, prepare.py, train.py). */
export const autoresearch: Adapter = {
  name: 'autoresearch',
  repository: 'karpathy/autoresearch',
  commit: '228791fb499afffb54b46200aca536f79142f117',
  recognizedBy: ['train.py', 'prepare.py', 'program.md'],
  options: ['data', 'substitutes', 'seconds', 'screenSeconds'],
  describe: async (checkout, options) => {
    const { data = CACHE, substitutes = false, seconds = SECONDS, screenSeconds } = options;
    if (screenSeconds !== undefined && screenSeconds >= seconds) throw longScreens(screenSeconds, seconds);
    const asked = await upstreamPackages(checkout, 'pyproject.toml', UNUSED);
    const packages = substitutes ? withoutSubstituted(asked.packages) : asked.packages;
    const note = await readMadeData(data, 'autoresearch', checkout.folder);
    const tokens = note === undefined ? EVALUATED_TOKENS : evaluatedTokens(note);
    const hub = substitutes ? '' : '\n      - { from: hub, to: /upstream/.cache/huggingface/hub }';
    const run = { tokens, note, hub };
    const phases =
      screenSeconds === undefined
        ? phasesOf({ ...run, seconds })
        : phasesOf({ ...run, seconds: screenSeconds, stages: ['screen'] }) +
          phasesOf({ ...run, seconds, stages: ['baseline', 'replicate', 'confirm', 'final'] });
    const remedy =
      'with the network: uv run prepare.py in the checkout; without: assay data autoresearch --text <files>, then make the task with --data';
    return {
      title: 'NanoChat Autoresearch',
      ...(substitutes ? { substitutes: SUBSTITUTES } : {}),
      yaml: `description: |
  Train the best small language model in ${seconds} s on one GPU. train.py may be changed in any way: architecture, optimizer, sizes,
  schedule, training loop. prepare.py (data, tokenizer, evaluation) may not, and no package may be added. Lower val_bpb is
  better; peak memory should not grow much; of two equal programs the shorter is better. What train.py prints is only a claim.
objective: { metric: val_bpb, unit: bit/byte, direction: minimize }
files:
  editable: [train.py]
  protected: [prepare.py]
  max_diff_bytes: 200000
environment:
  python: '>=3.10'
  build: false # packages for a GPU are the machine's: assay check names those that are missing
  requirements: ${indented(listed(packages), 4)}
  variables:
    HOME: /upstream # prepare.py looks below it
    PYTORCH_ALLOC_CONF: expandable_segments:True
    HF_HUB_OFFLINE: '1'
    TRITON_CACHE_DIR: /tmp/triton
    TORCHINDUCTOR_CACHE_DIR: /tmp/inductor
data:
  files:
    - from: ${quoted(`${data}/data/shard_*.parquet`)}
      except: ${quoted(`{${VALIDATION_SHARD},${HIDDEN_SHARD}}`)}
      to: seen
      size: 1GiB
      what: training shards
      remedy: ${quoted(remedy)}
    # train.py evaluates itself, so it must see this shard, as everybody does. What counts is the judge's own measurement.
    - from: ${quoted(`${data}/data/${VALIDATION_SHARD}`)}
      to: seen
      size: 100MiB
      what: validation shard
      remedy: ${quoted(remedy)}
    - from: ${quoted(`${data}/data/${HIDDEN_SHARD}`)}
      to: hidden # where only the judge reads it
      size: 100MiB
      what: hidden shard, kept from training
      remedy: ${quoted(remedy)}
    - from: ${quoted(`${data}/tokenizer/{tokenizer.pkl,token_bytes.pt}`)}
      to: tokenizer
      at_least: 2
      size: 1MiB
      what: tokenizer and its byte table
      remedy: ${quoted(remedy)}${note === undefined ? '' : noteEntry(note, 'autoresearch')}
${substitutes ? '' : hubFiles()}# The unmodified program peaks at 45 GB of GPU memory.
resources: { cores: 8, gpus: 1, gpu: { memory: 48GiB }, memory: 32GiB, disk: 8GiB, processes: 1024, exclusive: true }
seeds: { variable: RUN_SEED }
phases:
${phases}# The block that train.py prints after '---'.
claim: { pattern: '^(val_bpb|training_seconds|total_seconds|peak_vram_mb|mfu_percent|total_tokens_M|num_steps|num_params_M|depth):\\s+(\\S+)$' }
range: { low: 0.3, high: 5 }
validity:
  baseline_runs: 6
  # How much runs of 300 s spread was only guessed (0.0003 to 0.0007 on an H100): the baseline's runs measure it.
  minimum_gain: 0.001
  sigma_floor: 0.0003
  holdout_metric: hidden_bpb
  confirm_pairs: 3
  final_pairs: 10
# What the judge must have looked at, else a result counts for nothing.
audits: { judge: [${CHECKS.join(', ')}] }
`,
    };
  },
};

interface Run {
  /** Tokens that are scored. */
  readonly tokens: number;
  /** Of data that Assay made. */
  readonly note: MadeDataNote | undefined;
  readonly hub: string;
  /** Of training. */
  readonly seconds: number;
  readonly stages?: readonly string[];
}

/** One run of train.py and its judging. */
function phasesOf({ seconds, stages, tokens, note, hub }: Run): string {
  const at = stages === undefined ? '' : `\n    stages: [${stages.join(', ')}]`;
  const name = (phase: string): string => (stages?.includes('screen') === true ? `${phase}-screen` : phase);
  return `  - name: ${name('train')}
    trust: candidate${at}
    # train.py as it is, with our prepare in place of upstream's: it leaves the final state for the judge.
    command: ['{python}', -P, -m, assay_judge.autoresearch_run, --data, /upstream/.cache/autoresearch/data, --tokenizer, /upstream/.cache/autoresearch/tokenizer, --checkpoint, '{output}/checkpoint.pt', --time-budget, '${seconds}', --eval-tokens, '${tokens}', --seed, '{seed}', train.py]
    # TIME_BUDGET is ${seconds} s of training without the first steps; the judge's clock holds all of it to ${seconds + BESIDE_SECONDS} s.
    budget: { limit: ${seconds + BESIDE_SECONDS}, grace: 5, start_up: 2m }
    timeout: ${seconds + BESIDE_SECONDS + 180}
    data:
      - { from: seen, to: /upstream/.cache/autoresearch/data }
      - { from: tokenizer, to: /upstream/.cache/autoresearch/tokenizer }${hub}
  - name: ${name('judge')}
    trust: judge${at}
    command: ['{python}', -P, -m, assay_judge.autoresearch_judge, --data, /data, --tokens, '${tokens}', --time-budget, '${seconds}', --seed, '{seed}', --checkpoint, '{output}/checkpoint.pt', --result, '{result}']
    timeout: 10m
    data:
      - { from: seen, to: /data/seen }
      - { from: hidden, to: /data/hidden }
      - { from: tokenizer, to: /data/tokenizer }${note === undefined ? '' : `\n      - ${NOTE_MOUNT}`}
    # The same train.py runs up to its first batch, so has built its model, which then gets the final state. It sees no text.
    peer:
      trust: candidate
      output: false
      command: ['{python}', -P, -m, assay_judge.autoresearch_host, --preload, torch, --tokenizer, /data/tokenizer, --script, '{workspace}/train.py']
      data:
        - { from: tokenizer, to: /data/tokenizer }${hub.replaceAll('      - ', '        - ')}
`;
}

function longScreens(screenSeconds: number, seconds: number): UserError {
  return new UserError(
    'usage-screen-seconds',
    `--screen-seconds ${screenSeconds} is not less than the ${seconds} s of whole trials`,
    'a screen only decides whether a whole trial is worth its time: 60, say',
  );
}

/** Packing cuts documents and loses their ends (44 % of a tree of C files): no more than what is left is scored, in whole batches of upstream. */
function evaluatedTokens({ tokens }: MadeDataNote): number {
  const held = Math.min(tokens['held-out'] ?? 0, tokens['hidden'] ?? 0);
  const batches = Math.floor((PACKED_SHARE * held) / BATCH_TOKENS);
  return Math.min(EVALUATED_TOKENS, Math.max(1, batches) * BATCH_TOKENS);
}

function withoutSubstituted(packages: readonly string[]): string[] {
  const nameOf = (line: string): string => /^[\w.-]+/.exec(line)?.[0].toLowerCase() ?? '';
  return packages
    .filter((line) => !SUBSTITUTES.includes(nameOf(line)))
    .map((line) => (nameOf(line) === 'torch' ? TORCH_OF_SUBSTITUTES : line));
}

function hubFiles(): string {
  return `    - from: ${quoted(hubFolder(ATTENTION))}
      to: hub
      size: 1GiB
      what: FlashAttention-3 (${ATTENTION})
      remedy: ${quoted(`with the network: python -c "from kernels import get_kernel; get_kernel('${ATTENTION}')"; without it make the task with --substitutes`)}
`;
}
