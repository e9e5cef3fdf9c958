import { execFileSync } from 'node:child_process';
import { readFile, readdir } from 'node:fs/promises';
import { join } from 'node:path';

import { temporaryFolder } from '../load-task.fixture.ts';
import { sha256 } from '../task-files.ts';

/** Files of the names that the adapters look for, with our own content. */
const AUTORESEARCH: Readonly<Record<string, string>> = {
  'train.py': 'DEPTH = 8\nprint("val_bpb: 1.0")\n',
  'prepare.py': 'TIME_BUDGET = 300\n',
  'program.md': '# rules\n',
  'pyproject.toml':
    '[project]\nname = "x"\ndependencies = [\n    "surely-not-there>=0.11.7", # a comment with "quotes"]\n    "pandas>=2",\n    \'numpy>=1.0\',\n]\n\n[tool.uv]\ndependencies = ["another"]\n',
};
const SPEEDRUN: Readonly<Record<string, string>> = {
  'train_gpt.py': 'STEPS = 10\n',
  'triton_kernels.py': 'A = 1\n',
  'dc_triton_kernels.py': 'B = 1\n',
  'run.sh': 'exit 0\n',
  'requirements.txt': 'numpy\ntqdm\nsurely-not-there==2.10\n',
  'data/cached_fineweb10B.py': 'pass\n',
  'records/track_3_optimization/train_gpt_simple.py': 'STEPS = 10\n',
};
const DEFINITION = {
  name: 'scale_by_two',
  description: 'Doubles:\n  each "element".',
  axes: { n: { type: 'var' } },
  inputs: { x: { shape: ['n'], dtype: 'float32' } },
  outputs: { y: { shape: ['n'], dtype: 'float32' } },
  reference: 'import torch\n\n\ndef run(x):\n    return 2 * x\n',
};
const SOL: Readonly<Record<string, string>> = {
  'pyproject.toml': '[project]\ndependencies = ["torch>=2.10.0", "torch-c-dlpack-ext>=0.1.5", "click>=8.0"]\n',
  'src/sol_execbench/__init__.py': '',
  'examples/scale/definition.json': JSON.stringify(DEFINITION),
  'examples/scale/workload.jsonl': '{"uuid":"a","axes":{"n":8},"inputs":{"x":{"type":"random"}}}\n',
  'examples/recorded/definition.json': JSON.stringify({
    ...DEFINITION,
    outputs: { y: { shape: ['n'], dtype: 'float4_e2m1' } },
  }),
  'examples/recorded/workload.jsonl':
    '{"uuid":"b","axes":{"n":8},"inputs":{"x":{"type":"safetensors","path":"p","tensor_key":"k"}}}\n',
  'examples/broken/definition.json': '{}',
  'examples/broken/workload.jsonl': '',
};

export const FIXTURES = { autoresearch: AUTORESEARCH, speedrun: SPEEDRUN, 'sol-execbench': SOL } as const;

export interface FixtureCheckout extends AsyncDisposable {
  /** Holds the checkout, for what is made beside it. */
  readonly root: string;
  readonly checkout: string;
  readonly commit: string;
}

/** A committed checkout `upstream` in a folder of its own that vanishes at the end of the scope. */
export async function fixtureCheckout(files: Readonly<Record<string, string>>): Promise<FixtureCheckout> {
  const folder = await temporaryFolder(
    Object.fromEntries(Object.entries(files).map(([path, text]) => [`upstream/${path}`, text])),
  );
  const checkout = join(folder.path, 'upstream');
  const git = (...words: string[]): string =>
    execFileSync('git', ['-C', checkout, '-c', 'user.name=a', '-c', 'user.email=a@example.org', ...words], {
      encoding: 'utf8',
    });
  git('init', '--quiet');
  git('add', '.');
  git('commit', '--quiet', '-m', 'files');
  const commit = git('rev-parse', 'HEAD').trim();
  return { root: folder.path, checkout, commit, [Symbol.asyncDispose]: () => folder[Symbol.asyncDispose]() };
}

/** SHA-256 of every file below a folder, those of git itself included. */
export async function hashesOf(folder: string): Promise<Record<string, string>> {
  const hashes: Record<string, string> = {};
  for (const entry of await readdir(folder, { recursive: true, withFileTypes: true })) {
    if (!entry.isFile()) continue;
    const path = join(entry.parentPath, entry.name);
    hashes[path] = sha256(await readFile(path));
  }
  return hashes;
}
