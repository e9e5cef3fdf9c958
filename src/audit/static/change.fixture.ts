import { execFileSync } from 'node:child_process';
import { makeObject } from '../../candidate/object-format.ts';
import type { AuditReport } from '../../domain/audit.ts';
import { auditChange } from './audit-change.ts';
import type { ChangeInput, ChangeRules } from './change-input.ts';
import type { StaticAudit } from './report.ts';

export const PYTHON = execFileSync('python3', ['-c', 'import sys; print(sys.executable)'], { encoding: 'utf8' }).trim();

const HARNESS = 'def seed():\n    return 1\n';
export const PROGRAM = `"""Trains."""
import os

import harness
import torch

LEARNING_RATE = 0.01
WIDTH = 64
UNUSED = 3


def train(steps):
    """Trains for some steps."""
    torch.manual_seed(harness.seed())
    # Plain descent.
    return [LEARNING_RATE * WIDTH for _ in range(steps)]


if __name__ == "__main__":
    train(int(os.environ["ASSAY_BUDGET_SECONDS"]))
`;
export const KERNEL = `/* Adds. */
#include <math.h>
#include "kernels.h"

void add(const float *x, float *out, long n) {
  for (long i = 0; i < n; i++) out[i] = x[i] + 1.0f;
}
`;

/** The parent of every change here. */
export const BASE: Readonly<Record<string, string>> = {
  'train.py': PROGRAM,
  'kernels.c': KERNEL,
  'harness.py': HARNESS,
  'kernels.h': 'void add(const float *x, float *out, long n);\n',
};
const PROTECTED = ['harness.py', 'kernels.h'];

export const RULES: ChangeRules = {
  isEditable: (path) => !PROTECTED.includes(path) && /^(?:train\.py|kernels\.c|src\/.*|[^/]*)$/.test(path),
  isProtected: (path) => PROTECTED.includes(path),
  maxDiffBytes: 50_000,
  protectedFiles: new Map(PROTECTED.map((path) => [path, new Set([blobOf(BASE[path] ?? '')])])),
  ownFiles: new Set(Object.keys(BASE)),
  modules: new Set(['torch', 'numpy', 'harness']),
  variables: new Set(['ASSAY_SEED', 'ASSAY_OUTPUT', 'ASSAY_DATA', 'ASSAY_BUDGET_SECONDS']),
  folders: ['/workspace', '/output', '/tmp', '/dev/null', '/data'],
  isReadByJudge: false,
};

function blobOf(content: string | Uint8Array): string {
  return makeObject('blob', Buffer.from(content as string)).id;
}

/** A change of BASE; null removes a file. */
export function changeOf(
  files: Readonly<Record<string, string | Uint8Array | null>>,
  more: Partial<ChangeInput> = {},
): ChangeInput {
  const base = new Map(Object.entries(BASE));
  return {
    changes: Object.entries(files).map(([path, after]) => {
      const before = base.get(path);
      return {
        path,
        ...(before === undefined ? {} : { before: Buffer.from(before) }),
        ...(after === null ? {} : { after: typeof after === 'string' ? Buffer.from(after) : after }),
      };
    }),
    parent: [...base].map(([path, content]) => ({ path, mode: '100644', id: blobOf(content) })),
    others: new Map([...base].filter(([path]) => !(path in files)).map(([path, text]) => [path, Buffer.from(text)])),
    rules: RULES,
    python: PYTHON,
    ...more,
  };
}

/** What one audit says of a change. */
export async function saidBy(
  audit: StaticAudit,
  files: Parameters<typeof changeOf>[0],
  more: Partial<ChangeInput> = {},
): Promise<AuditReport> {
  const reports = await auditChange(changeOf(files, more));
  const found = reports.find((report) => report.audit === audit);
  if (!found) throw new Error(`${audit} said nothing`);
  return found;
}

/** train.py with lines after its imports. */
export function withLines(...lines: readonly string[]): Readonly<Record<string, string>> {
  return { 'train.py': PROGRAM.replace('LEARNING_RATE = 0.01', `${lines.join('\n')}\nLEARNING_RATE = 0.01`) };
}

/** kernels.c with lines after its own. */
export function withC(...lines: readonly string[]): Readonly<Record<string, string>> {
  return { 'kernels.c': `${KERNEL}${lines.join('\n')}\n` };
}
