import type { Adapter } from '../adapter.ts';
import { hubFolder } from '../hub-cache.ts';
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
const UNUSED = ['matplotlib', 'pandas'];

/** NanoChat Autoresearch: the best val_bpb of a model trained for 300 s on one GPU (program.md, prepare.py, train.py). */
export const autoresearch: Adapter = {
  name: 'autoresearch',
  repository: 'karpathy/autoresearch',
  commit: '228791fb499afffb54b46200aca536f79142f117',
  recognizedBy: ['train.py', 'prepare.py', 'program.md'],
  options: ['data'],
  describe: async (checkout, { data = CACHE }) => {
    const { packages } = await upstreamPackages(checkout, 'pyproject.toml', UNUSED);
    const remedy =
      'with the network: uv run prepare.py in the checkout; for shards elsewhere make the task with --data';
    return {
      title: 'NanoChat Autoresearch',
      yaml: `description: |
  Train the best small language model in 300 s on one GPU. train.py may be changed in any way: architecture, optimizer, sizes,
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
      remedy: ${quoted(remedy)}
    - from: ${quoted(hubFolder(ATTENTION))}
      to: hub
      size: 1GiB
      what: FlashAttention-3 (${ATTENTION})
      remedy: ${quoted(`with the network: python -c "from kernels import get_kernel; get_kernel('${ATTENTION}')"`)}
# The unmodified program peaks at 45 GB of GPU memory.
resources: { cores: 8, gpus: 1, gpu: { memory: 48GiB }, memory: 32GiB, disk: 8GiB, processes: 1024, exclusive: true }
seeds: { variable: RUN_SEED }
phases:
  - name: train
    trust: candidate
    command: ['{python}', -P, -m, assay_judge.bootstrap, --preload, torch, train.py]
    # prepare.py counts 300 s of training without its first steps; the judge's clock holds all of it to the ten minutes of the rules.
    budget: { limit: 10m, grace: 5, start_up: 2m }
    timeout: 13m
    data:
      - { from: seen, to: /upstream/.cache/autoresearch/data }
      - { from: tokenizer, to: /upstream/.cache/autoresearch/tokenizer }
      - { from: hub, to: /upstream/.cache/huggingface/hub }
  - name: judge
    trust: judge
    command: ['{python}', -P, -m, assay_judge.autoresearch_judge, --checkpoint, '{output}/checkpoint.pt', --data, /data, --seed, '{seed}', --result, '{result}']
    timeout: 10m
    data:
      - { from: seen, to: /data/seen }
      - { from: hidden, to: /data/hidden }
      - { from: tokenizer, to: /data/tokenizer }
    peer:
      trust: candidate
      command: ['{python}', -P, -m, assay_judge.model_host, --preload, torch, --script, '{workspace}/train.py']
      output: false
      data:
        - { from: hub, to: /upstream/.cache/huggingface/hub }
# The block that train.py prints after '---'.
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
`,
    };
  },
};
