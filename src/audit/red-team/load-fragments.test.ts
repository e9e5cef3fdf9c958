import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { applyFragment, fragmentsFor, loadFragments } from './load-fragments.ts';
import { parseFragment } from './parse-fragment.ts';

const HEADER = `# exploit: peek
# class: L02, C31
# does: looks ahead.
# expects: causality, plausible
# needs: language-model
`;
const PEEK = `${HEADER}# --- top
import os
# --- end
honest = Model
class Model(honest):
    pass
`;
const PROGRAM = `"""A program.

More of it.
"""

from __future__ import annotations

import torch

class Model: ...


if __name__ == "__main__":
    train()
`;

const apply = (program: string, fragment = parseFragment(PEEK, 'exploits/training/peek.py')): string | undefined =>
  applyFragment(new Map([['train.py', program]]), fragment, { entry: 'train.py' }).get('train.py');

describe('a header', () => {
  test('is read with its sections', () => {
    const fragment = parseFragment(PEEK, 'exploits/training/peek.py');
    expect(fragment).toMatchObject({
      id: 'peek',
      kind: 'exploit',
      language: 'python',
      classes: ['L02', 'C31'],
      expects: ['causality', 'plausible'],
      needs: 'language-model',
      trials: 1,
      top: 'import os\n',
    });
  });

  test('of a control needs no class and no expectation', () => {
    const text = '# control: calm\n# does: nothing odd.\n# needs: script\n# trials: 2\n# --- end\nx = 1\n';
    expect(parseFragment(text, 'calm.py')).toMatchObject({ kind: 'control', expects: [], trials: 2 });
  });

  test('of C has other comments', () => {
    const text = '// control: calm\n// does: nothing odd.\n// needs: c-kernel\n// --- file: more.h\nint x;\n';
    const fragment = parseFragment(text, 'calm.c');
    expect(fragment.language).toBe('c');
    expect([...fragment.files]).toEqual([['more.h', 'int x;\n']]);
  });

  test('with lines that end as on Windows is the same', () => {
    const fragment = parseFragment(PEEK, 'peek.py');
    expect(parseFragment(PEEK.replaceAll('\n', '\r\n'), 'peek.py')).toEqual(fragment);
  });

  test.each([
    ['an unknown key', PEEK.replace('# class', '# sort'), "peek.py:2: unknown key 'sort'"],
    ['a key that is missing', PEEK.replace('# does: looks ahead.\n', ''), "peek.py:1: the header has no 'does'"],
    ['a key given twice', PEEK.replace('# class', '# needs: script\n# class'), "peek.py:6: 'needs' is given twice"],
    ['another need', PEEK.replace('language-model', 'luck'), "peek.py:5: unknown need 'luck'"],
    ['a need of the other language', PEEK.replace('language-model', 'c-kernel'), 'peek.py:5: '],
    ['an id that is no id', PEEK.replace('exploit: peek', 'exploit: Peek_1'), 'peek.py:1: '],
    ['an id that is not the name of the file', PEEK.replace('exploit: peek', 'exploit: look'), 'peek.py:1: '],
    ['a list with a hole', PEEK.replace('causality, plausible', 'causality,,plausible'), 'peek.py:4: '],
    ['trials that are no count', PEEK.replace('# needs', '# trials: many\n# needs'), 'peek.py:5: '],
    ['a line that is no header', PEEK.replace('# class', 'class'), 'peek.py:2: '],
    ['an unknown section', PEEK.replace('--- top', '--- middle'), 'peek.py:6: unknown section'],
    ['a section twice', `${PEEK}# --- top\nx = 1\n`, "peek.py:12: the section 'top' is there twice"],
    ['sections that hold nothing', `${HEADER}# --- end\n\n`, 'peek.py:7: no section holds anything'],
  ])('with %s is refused, with file and line', (_, text, problem) => {
    expect(() => parseFragment(text, 'peek.py')).toThrow(problem);
  });
});

describe('applying', () => {
  test('puts the top after docstring and future, the end before the main guard', () => {
    const changed = apply(PROGRAM) ?? '';
    expect(changed.indexOf('import os')).toBeGreaterThan(changed.indexOf('from __future__'));
    expect(changed.indexOf('import os')).toBeLessThan(changed.indexOf('import torch'));
    expect(changed.indexOf('honest = Model')).toBeGreaterThan(changed.indexOf('class Model: ...'));
    expect(changed.indexOf('honest = Model')).toBeLessThan(changed.indexOf('if __name__'));
    expect(changed.endsWith('    train()\n')).toBe(true);
  });

  test('twice is the same as once', () => {
    const once = apply(PROGRAM) ?? '';
    expect(apply(once)).toBe(once);
  });

  test('keeps the line ends of a program from Windows', () => {
    const changed = apply(PROGRAM.replaceAll('\n', '\r\n')) ?? '';
    expect(changed.replaceAll('\r\n', '')).not.toContain('\n');
    expect(changed.replaceAll('\r\n', '\n')).toBe(apply(PROGRAM));
  });

  test.each([
    ['nothing before the imports', 'import torch\n'],
    ['a docstring on one line', "'''One line.'''\nimport torch\n"],
    ['a docstring in plain quotes', '"One line."\nimport torch\n'],
    ['a raw docstring with a quote in it', 'r"""A \\""" within\n# not a comment\n"""\nimport torch\n'],
    ['a future import in parentheses', 'from __future__ import (\n    annotations,\n)\nimport torch\n'],
    ['a future import over two lines', 'from __future__ import \\\n    annotations\nimport torch\n'],
    ['comments first', '#!/usr/bin/env python3\n# coding: utf-8\n\n"""Doc."""\n# why\nimport torch\n'],
  ])('works with %s', (_, program) => {
    const lines = (apply(program) ?? '').split('\n');
    const top = lines.indexOf('import os');
    expect(top).toBeGreaterThanOrEqual(0);
    expect(lines.slice(top + 1).join('\n')).toContain('import torch');
    expect(lines.slice(0, top).join('\n')).toBe(program.slice(0, program.indexOf(lines[top + 1] ?? '')).trimEnd());
  });

  test('puts the end at the end where there is no main guard', () => {
    expect(apply('x = 1')).toMatch(/x = 1\nhonest = Model[^]*pass\n$/);
  });

  test('wraps a C program, whatever it holds', () => {
    const text = `// control: wrap\n// does: wraps.\n// needs: c-kernel\n// --- top\n#define f g\n// --- end\n#undef f\n`;
    const fragment = parseFragment(text, 'wrap.c');
    const files = applyFragment(new Map([['kernels.c', '"""no docstring"""\n']]), fragment, { entry: 'kernels.c' });
    expect(files.get('kernels.c')).toBe('#define f g\n"""no docstring"""\n#undef f\n');
  });

  test('without the program says what is there', () => {
    const fragment = parseFragment(PEEK, 'peek.py');
    expect(() => applyFragment(new Map([['a.py', '']]), fragment, { entry: 'train.py' })).toThrow(/train\.py/);
  });
});

describe('the fragments of a folder', () => {
  let root: string;
  beforeEach(async () => {
    root = await mkdtemp(path.join(tmpdir(), 'assay-fragments-'));
    await mkdir(path.join(root, 'exploits', 'training'), { recursive: true });
    await mkdir(path.join(root, 'controls', 'training'), { recursive: true });
  });
  afterEach(() => rm(root, { recursive: true, force: true }));

  test('are found, and chosen by what a task offers', async () => {
    await writeFile(path.join(root, 'exploits', 'training', 'peek.py'), PEEK);
    const fragments = await loadFragments(root);
    expect(fragments.map(({ id }) => id)).toEqual(['peek']);
    expect(fragmentsFor(fragments, { script: 'train.py' })).toEqual([]);
    expect(fragmentsFor(fragments, { 'language-model': 'train.py' })).toHaveLength(1);
  });

  test('must lie where they belong', async () => {
    await writeFile(path.join(root, 'controls', 'training', 'peek.py'), PEEK);
    await expect(loadFragments(root)).rejects.toThrow(/controls.training.peek\.py:1: /);
  });

  test('must have names of their own', async () => {
    await writeFile(path.join(root, 'exploits', 'training', 'peek.py'), PEEK);
    await mkdir(path.join(root, 'exploits', 'other'));
    await writeFile(path.join(root, 'exploits', 'other', 'peek.py'), PEEK);
    await expect(loadFragments(root)).rejects.toThrow("two fragments are called 'peek'");
  });

  test('that ship are all well formed', async () => {
    const fragments = await loadFragments();
    expect(fragments.filter(({ kind }) => kind === 'exploit').length).toBeGreaterThan(20);
    expect(fragments.filter(({ kind }) => kind === 'control').length).toBeGreaterThan(20);
  });
});
