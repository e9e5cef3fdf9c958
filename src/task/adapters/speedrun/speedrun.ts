import { UserError } from '../../../errors.ts';
import type { Adapter, AdapterTask } from '../adapter.ts';
import { hubFolder } from '../hub-cache.ts';
import { type MadeDataNote, NOTE_MOUNT, noteEntry, readMadeData } from '../made-data.ts';
import { upstreamPackages } from '../upstream-packages.ts';
import { indented, listed, quoted } from '../yaml-text.ts';
import { validationLine } from './validation-line.ts';

/** In the checkout, where data/cached_fineweb10B.py puts the shards. A shard of 100 million tokens is 200 MB. */
const DATA = 'data/fineweb10B';
const ATTENTION = 'kernels-community/flash-attn3';
const SIMPLE = 'records/track_3_optimization/train_gpt_simple.py';
/** For the download only. */
const UNUSED = ['datasets', 'huggingface-hub', 'tqdm', 'setuptools'];
/** tiktoken keeps a file under the SHA-1 of its address: vocab.bpe and encoder.json of GPT-2. */
const TOKENIZER_FILES = ['6d1cbeee0f20b3d9449abfede4726ed8212e3aee', '6c7ea1a7e38e3a7f062df639a5b80947f075ffe6'];
const DIGITS = String.raw`\d+(?:\.\d+)?`;
/** `8 % world_size == 0` in both programs. */
const WORLD_SIZES = [1, 2, 4, 8];
/** Both programs validate on so many, and their loaders want two more in the shard. */
const VALIDATION_TOKENS = 20 * 524_288;
/** What the unmodified programs train on: 1285 steps of growing batches, and 3250 of 524,288. Both read once, and stop when it is out. */
const TRAINING_TOKENS = { 1: 338_800_000, 3: 3250 * 524_288 } as const;
const TOKEN_BYTES = 2;
const HEADER_BYTES = 1024;

/** NanoGPT Speedrun: track 1 (seconds to a loss of 3.28 on eight GPUs) and track 3 (steps to it, architecture fixed). */
export const speedrun: Adapter = {
  name: 'speedrun',
  repository: 'KellerJordan/modded-nanogpt',
  commit: 'f411b3d346aa52d3504324ca93c230fd84c6c07f',
  recognizedBy: ['train_gpt.py', 'data/cached_fineweb10B.py'],
  options: ['track', 'gpus', 'data'],
  describe: async (checkout, { track = 1, gpus, data = DATA }) => {
    if (track !== 1 && track !== 3)
      throw new UserError(
        'usage-track',
        `there is no adapter for track ${track} of the speedrun`,
        '--track 1 or --track 3',
      );
    const world = gpus ?? (track === 1 ? 8 : 1);
    if (!WORLD_SIZES.includes(world))
      throw new UserError('usage-gpus', `the speedrun runs on 1, 2, 4 or 8 GPUs, not on ${world}`, '--gpus 1');
    if (track === 3 && !checkout.paths.includes(SIMPLE))
      throw new UserError(
        'usage-checkout',
        `this checkout has no ${SIMPLE}, the program of track 3`,
        'check out a newer commit',
      );
    const note = await readMadeData(data, 'speedrun', checkout.folder);
    return track === 1
      ? track1(world, { data, note }, (await upstreamPackages(checkout, 'requirements.txt', UNUSED)).packages)
      : track3(world, { data, note });
  },
};

/** What the judge must have looked at, else a result counts for nothing. */
const CHECKS = [
  'log',
  'source-in-log',
  'untrained-start',
  'parameters-hashed',
  'fresh-optimizer',
  'untimed',
  'outer-clock',
  'deviations',
];
const CHECKS_OF_STATE = [
  'architecture',
  'weights-unchanged',
  'finite',
  'tokens-scored',
  'log-vs-judged',
  'hidden-split',
];

interface Data {
  /** Its folder, as `data: files:` takes it. */
  readonly data: string;
  /** Of data that `assay data` made. */
  readonly note: MadeDataNote | undefined;
}

function track1(gpus: number, data: Data, packages: readonly string[]): AdapterTask {
  const isTokenizerMade = data.note?.paths.some((path) => path.startsWith('tiktoken/')) === true;
  const tokenizer = isTokenizerMade
    ? `${data.data}/tiktoken`
    : process.env['TIKTOKEN_CACHE_DIR'] || '~/.cache/assay/tiktoken';
  return {
    title: 'NanoGPT Speedrun, track 1',
    yaml: `description: |
  Train a language model to a mean validation loss of at most 3.28 in the least time. train_gpt.py and its two files of kernels may be
  changed: architecture, optimizer, kernels, batch size, sequence length. Not: the streams of training and validation tokens, flags of
  torch.compile and torch._inductor. No step may train outside the clock, nothing may be learned from validation tokens,
  and the loss must be that of a valid probability model of the first 10,485,760 of them. What the log says is only a claim.
objective: { metric: train_time_ms, unit: ms, direction: minimize }
files:
  editable: [train_gpt.py, triton_kernels.py, dc_triton_kernels.py]
  protected: [run.sh, data/cached_fineweb10B.py]
  max_diff_bytes: 400000
${environment(
  packages,
  `
    DATA_PATH: .
    TIKTOKEN_CACHE_DIR: /data/tiktoken
    HF_HUB_OFFLINE: '1'
    HF_HUB_CACHE: /data/hub`,
)}
data:
  files:
${shards(data, 1)}
    - from: ${quoted(hubFolder(ATTENTION))}
      to: hub
      size: 1GiB
      what: FlashAttention-3 (${ATTENTION})
      remedy: ${quoted(`with the network: python -c "from kernels import get_kernel; get_kernel('${ATTENTION}', version=1)"`)}
    - from: ${quoted(`${tokenizer}/{${TOKENIZER_FILES.join(',')}}`)}
      to: tiktoken
      at_least: 2
      size: 2MiB
      what: GPT-2 tokenizer of tiktoken
      remedy: ${quoted(`with the network: TIKTOKEN_CACHE_DIR=${tokenizer} python -c "import tiktoken; tiktoken.get_encoding('gpt2')"`)}
# The kernels are made for Hopper. A run peaks at 39 GB of each GPU.
resources: { cores: ${2 * gpus}, gpus: ${gpus}, gpu: { kinds: [H100, H200], memory: 78GiB }, memory: ${16 + 16 * gpus}GiB, disk: 4GiB, processes: 4096, exclusive: true }
${phases(
  gpus,
  'train_gpt.py',
  '25m',
  { track: 1, isMade: data.note !== undefined },
  `
      - { from: hub, to: /data/hub }
      - { from: tiktoken, to: /data/tiktoken }`,
)}
# The last validation: step and total are equal only there.
claim:
  pattern: ${quoted(validationLine(DIGITS, 'ms', 'train_time_ms'))}
  final: [step, total]
range: { low: 1000, high: 10000000 }
validity:
  baseline_runs: 4
  minimum_gain: 100
  sigma_floor: 100
  confirm_pairs: 10
  final_pairs: 10
  # The rule of the records: one-sided t-test over the runs, p < 0.01.
  target: { metric: val_loss, value: 3.28, direction: minimize, level: 0.01 }
audits: { judge: [${CHECKS.join(', ')}] }
`,
    notes: [
      'the architecture is free, so only the program can compute its loss: results say that loss and time are its word (--accept-log of the judge)',
      ...(gpus === 8
        ? []
        : [`track 1 is timed on 8 GPUs; with ${gpus} its times compare only with a baseline on the same ${gpus}`]),
    ],
  };
}

function track3(gpus: number, data: Data): AdapterTask {
  return {
    title: 'NanoGPT Speedrun, track 3',
    yaml: `description: |
  Reach a validation loss below 3.28 in the fewest steps; time does not count. Free: the optimizer, its hyper-parameters and schedules, and
  the initialization (sections 'Optimizer' and 'Init & Optim Hyperparams' of the program). Fixed: data, batch size, architecture, one forward
  and backward pass a step. One step count for all runs, no stopping by validation loss. What the log says is only a claim.
objective: { metric: steps_to_target, unit: steps, direction: minimize }
files:
  editable: [${SIMPLE}]
  protected: [data/cached_fineweb10B.py]
  max_diff_bytes: 400000
${environment(['torch==2.11', 'numpy'], '')}
data:
  files:
${shards(data, 3)}
resources: { cores: ${2 * gpus}, gpus: ${gpus}, gpu: { kinds: [A100, H100, H200], memory: 39GiB }, memory: ${16 + 8 * gpus}GiB, disk: 4GiB, processes: 4096, exclusive: true }
${phases(gpus, SIMPLE, `${Math.ceil(90 / gpus) + 10}m`, { track: 3, isMade: data.note !== undefined }, '')}
# The last validation: step and total are equal only there.
claim:
  pattern: ${quoted(validationLine(DIGITS, 's', 'train_time_s'))}
  final: [step, total]
range: { low: 1, high: 100000 }
validity:
  baseline_runs: 2
  minimum_gain: 1
  sigma_floor: 1
  confirm_pairs: 8
  final_pairs: 8
  # Upstream: (3.28 - mean) * sqrt(n) >= 0.004, a z-test with sigma 0.0013 at p < 0.001; here a t-test at the same level.
  target: { metric: val_loss, value: 3.28, direction: minimize, level: 0.001 }
audits: { judge: [${[...CHECKS, ...CHECKS_OF_STATE].join(', ')}] }
`,
    notes: [
      'the judge computes the loss itself, with a model of its own: the rules fix the architecture',
      'one H100 takes about 1.2 s a step, so a full run of 3250 steps takes over an hour on one GPU',
    ],
  };
}

function environment(packages: readonly string[], variables: string): string {
  return `environment:
  python: '>=3.10'
  build: false # packages for a GPU are the machine's: assay check names those that are missing
  requirements: ${indented(listed(packages), 4)}
  variables:${variables}
    TRITON_CACHE_DIR: /tmp/triton
    TORCHINDUCTOR_CACHE_DIR: /tmp/inductor`;
}

/** How many training shards the README of each track has one fetch. The last of them is kept from training, for the judge alone. */
const FETCHED = { 1: 9, 3: 20 } as const;

function shards({ data, note }: Data, track: 1 | 3): string {
  const fetched = FETCHED[track];
  const remedy =
    note === undefined
      ? `with the network: python data/cached_fineweb10B.py ${fetched} in the checkout; without: assay data speedrun --track ${track} --text <files>, then make the task with --data`
      : `make them again: assay data speedrun --track ${track} with more text`;
  const parts = note === undefined ? remedy : `${remedy}, or a larger share of it in --held-out and --hidden`;
  const whole =
    note === undefined
      ? remedy
      : `${remedy}; or have the program take fewer steps, and lower at_least_size in task.yaml`;
  const hidden = note?.hidden ?? `fineweb_train_${String(fetched).padStart(6, '0')}.bin`;
  const validated = HEADER_BYTES + TOKEN_BYTES * (VALIDATION_TOKENS + 2);
  return `    - from: ${quoted(`${data}/fineweb_train_*.bin`)}
      except: ${hidden}
      to: seen
      at_least: ${note === undefined ? fetched - 1 : 2}
      at_least_size: ${TOKEN_BYTES * TRAINING_TOKENS[track]} # of the unmodified program: it reads them once
      size: ${(((fetched - 1) * 200) / 1000).toFixed(1)}GB
      what: training shards (GPT-2 tokens)
      remedy: ${quoted(whole)}
    # The program validates itself, so it must see this shard, as everybody does. What counts is the judge's own measurement.
    - from: ${quoted(`${data}/fineweb_val_000000.bin`)}
      to: seen
      at_least_size: ${validated}
      size: 200MB
      what: validation shard
      remedy: ${quoted(parts)}
    - from: ${quoted(`${data}/${hidden}`)}
      to: hidden # where only the judge reads it
      at_least_size: ${validated}
      size: 200MB
      what: hidden shard, kept from training
      remedy: ${quoted(parts)}${note === undefined ? '' : noteEntry(note, 'speedrun')}`;
}

function phases(
  gpus: number,
  program: string,
  timeout: string,
  { track, isMade }: { readonly track: 1 | 3; readonly isMade: boolean },
  seen: string,
): string {
  return `seeds: { variable: RUN_SEED }
phases:
  - name: train
    trust: candidate
    # The program as it is; the launcher hashes parameters when its clock starts, and leaves the final state for the judge.
    # Both programs read data/ and write logs/ in the current folder: a fresh one, with links to what is mounted.
    command: ['{python}', -P, -m, assay_judge.run_folder, --link, data/fineweb10B=/data/seen, --link, 'logs={output}', --, '{python}', -m, torch.distributed.run, --standalone, --nproc_per_node=${gpus}, -m, assay_judge.speedrun_launch, --note, '{output}/note.json', --checkpoint, '{output}/checkpoint.pt', --seed, '{seed}', '{workspace}/${program}']
    timeout: ${timeout}
    data:
      - { from: seen, to: /data/seen }${seen}
  - name: judge
    trust: judge
${track === 1 ? '    # --accept-log: the architecture is free, so nobody but the program can compute its loss. Each result says so.\n' : ''}    command: ['{python}', -P, -m, assay_judge.speedrun_judge, --track, '${track}', --logs, '{output}', --program, '{workspace}/${program}', --data, /data, --seed, '{seed}', --result, '{result}'${track === 1 ? ', --accept-log' : ''}]
    timeout: 15m
    data:
      - { from: seen, to: /data/seen }
      - { from: hidden, to: /data/hidden }${isMade ? `\n      - ${NOTE_MOUNT}` : ''}`;
}
