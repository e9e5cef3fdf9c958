import { execFileSync } from 'node:child_process';

import fc from 'fast-check';
import { describe, expect, test, vi } from 'vitest';

import { applyKnobs, applyKnobsToFiles } from './apply-knobs.ts';
import { type KnobDescription, currentValues, discoverKnobs, knobDimension } from './knobs.ts';
import { scanConstants } from './scan-constants.ts';
import type { KnobSettings } from './schema.ts';

const PYTHON = execFileSync('python3', ['-c', 'import sys; print(sys.executable)'], { encoding: 'utf8' }).trim();

async function knobsOf(source: string, settings: Partial<KnobSettings> = {}): Promise<KnobDescription[]> {
  const task = { isEditable: () => true, spec: { knobs: { exclude: [], set: {}, ...settings } } };
  return discoverKnobs({ python: PYTHON, files: new Map([['train.py', source]]), task });
}

async function domainOf(source: string, settings: Partial<KnobSettings> = {}): Promise<unknown> {
  return (await knobsOf(source, settings))[0]?.domain;
}

describe('the range of a knob', () => {
  test.each([
    ['A = 1e-3', { kind: 'float', low: 1e-4, high: 1e-2, scale: 'log' }],
    ['A = 3.0', { kind: 'float', low: 0.3, high: 30, scale: 'log' }],
    ['BETAS = (0.9, 0.99)', { kind: 'float', low: 0, high: 0.99, scale: 'linear' }],
    ['DROPOUT = 0.1', { kind: 'float', low: 0, high: 0.5, scale: 'linear' }],
    ['A = 0.0', { kind: 'float', low: 0, high: 1, scale: 'linear' }],
    ['A = -2.0', { kind: 'float', low: -6, high: 2, scale: 'linear' }],
    ['LAYERS = 2', { kind: 'integer', low: 1, high: 6, scale: 'linear' }],
    ['HEADS = 4', { kind: 'choice', choices: [1, 2, 4, 8, 16, 32] }],
    ['WIDTH = 64', { kind: 'choice', choices: [8, 16, 32, 64, 128, 256, 512] }],
    ['BATCH = 2**14', { kind: 'choice', choices: [2048, 4096, 8192, 16384, 32768, 65536, 131072] }],
    ['WIDTH = 768', { kind: 'choice', choices: [192, 384, 576, 768, 1152, 1536, 2304, 3072] }],
    ['A = 37', { kind: 'integer', low: 10, high: 148, scale: 'log' }],
    ['A = True', { kind: 'boolean' }],
    ['A = 1e-3  # 1e-4..5e-3 log', { kind: 'float', low: 1e-4, high: 5e-3, scale: 'log' }],
    ['A = 4  # layers, 2..8', { kind: 'integer', low: 2, high: 8, scale: 'linear' }],
    ['A = "gelu"', undefined],
    ['SEED = 5', undefined],
    ['a = 1', undefined],
  ])('of %s is inferred', async (source, domain) => {
    expect(await domainOf(source)).toEqual(domain);
  });

  const stated: readonly [source: string, set: KnobSettings['set'], domain: unknown][] = [
    ['A = 1e-3', { A: { low: 1e-5, high: 0.1, scale: 'log' } }, { kind: 'float', low: 1e-5, high: 0.1, scale: 'log' }],
    ['A = 1e-3', { A: { high: 0.1 } }, { kind: 'float', low: 1e-4, high: 0.1, scale: 'log' }],
    ['A = 64', { A: { low: 10, high: 20 } }, { kind: 'integer', low: 10, high: 20, scale: 'log' }],
    ['A = 64', { A: { low: 16, high: 64, step: 16 } }, { kind: 'choice', choices: [16, 32, 48, 64] }],
    ['A = 0', { A: { low: 0, high: 0.2 } }, { kind: 'float', low: 0, high: 0.2, scale: 'linear' }],
    ['A = "gelu"', { A: { choices: ['gelu', 'relu'] } }, { kind: 'choice', choices: ['gelu', 'relu'] }],
    ['B = (1.0, 2.0)', { 'B[0]': { low: 0.5, high: 2 } }, { kind: 'float', low: 0.5, high: 2, scale: 'log' }],
    ['B = (1.0, 2.0)', { B: { low: 0.5, high: 2 } }, { kind: 'float', low: 0.5, high: 2, scale: 'log' }],
    ['SEED = 5', { SEED: { low: 0, high: 9 } }, { kind: 'integer', low: 0, high: 9, scale: 'linear' }],
  ];
  test.each(stated)('of %s follows the task: %j', async (source, set, domain) => {
    expect(await domainOf(source, { set })).toEqual(domain);
  });
});

test('a task can leave knobs out, or name the only ones', async () => {
  const source = 'A = 1\nB = (1, 2)\nC = 3\n';
  const names = async (settings: Partial<KnobSettings>): Promise<string[]> =>
    (await knobsOf(source, settings)).map(({ name }) => name);
  expect(await names({ exclude: ['B', 'A'] })).toEqual(['C']);
  expect(await names({ only: ['B[1]', 'C'] })).toEqual(['B[1]', 'C']);
});

test('a name in two files is told apart by the file, in one process for both', async () => {
  const files = new Map([
    ['a.py', 'W = 16\n'],
    ['b.py', 'W = 16\nX = 1\n'],
    ['notes.txt', 'W = 1'],
  ]);
  const knobs = await discoverKnobs({ python: PYTHON, files });
  expect(knobs.map(({ name }) => name)).toEqual(['a.py:W', 'b.py:W', 'X']);
  const changed = applyKnobsToFiles(files, knobs, { 'b.py:W': 32 });
  expect([...changed.values()]).toEqual(['W = 16\n', 'W = 32\nX = 1\n', 'W = 1']);
});

test('a file that is no Python is named with its line', async () => {
  await expect(knobsOf('A = 1\nB = (\n')).rejects.toMatchObject({
    code: 'source-invalid',
    message: expect.stringMatching(/^train\.py:2: /),
  });
});

describe('applying values', () => {
  const SOURCE = `# ä\nRATE: float = 1e-3  # step\nBETAS = (0.9,\n  .99)\nSIZE = 2**14; N = 50_000\nACT = 'gelu'\nON = True\n`;
  const set = { ACT: { choices: ['gelu', 'relu "x"\n'] }, N: { low: 1, high: 10_000_000 } };

  test('changes the literals and nothing else', async () => {
    const values = { RATE: 0.00025, 'BETAS[1]': 0.995, SIZE: 8192, N: 1_234_567, ACT: 'relu "x"\n', ON: false };
    expect(applyKnobs(SOURCE, await knobsOf(SOURCE, { set }), values)).toBe(
      `# ä\nRATE: float = 2.5e-4  # step\nBETAS = (0.9,\n  0.995)\nSIZE = 8192; N = 1_234_567\nACT = 'relu "x"\\n'\nON = False\n`,
    );
  });

  test('leaves a literal as it is when it has the value already', async () => {
    const knobs = await knobsOf(SOURCE, { set });
    expect(applyKnobs(SOURCE, knobs, currentValues(knobs))).toBe(SOURCE);
  });

  test.each([
    [{ RATE: 1 }, 'RATE (train.py:2) cannot be 1: expected a number from 0.0001 to 0.01'],
    [{ RATE: Number.NaN }, 'RATE (train.py:2) cannot be NaN: expected a number from 0.0001 to 0.01'],
    [{ RATE: 'fast' }, "RATE (train.py:2) cannot be 'fast': expected a number from 0.0001 to 0.01"],
    [{ N: 1.5 }, 'N (train.py:5) cannot be 1.5: expected a whole number from 1 to 10000000'],
    [{ SIZE: 3 }, 'SIZE (train.py:5) cannot be 3: expected one of 2048, 4096, 8192, 16384, 32768, 65536, 131072'],
    [{ ON: 1 }, 'ON (train.py:7) cannot be 1: expected true or false'],
    [{ RTAE: 1 }, "there is no knob 'RTAE'"],
  ])('refuses %j', async (values, message) => {
    const knobs = await knobsOf(SOURCE, { set });
    expect(() => applyKnobs(SOURCE, knobs, values)).toThrow(message);
  });

  test('refuses the knobs of another text', async () => {
    const knobs = await knobsOf(SOURCE);
    expect(() => applyKnobs(`#\n${SOURCE}`, knobs, { RATE: 2e-3 })).toThrow('another text');
  });
});

test('a knob is a dimension of the search', async () => {
  const [rate, on] = await knobsOf('RATE = 1e-3\nON = True\n');
  if (rate === undefined || on === undefined) throw new Error('two knobs are expected');
  expect(knobDimension(rate)).toEqual({
    name: 'RATE',
    kind: 'float',
    low: 1e-4,
    high: 1e-2,
    scale: 'log',
    current: 1e-3,
  });
  expect(knobDimension(on)).toEqual({ name: 'ON', kind: 'boolean', current: true });
});

describe('over generated files', () => {
  const number = fc.oneof(
    fc.double({ noNaN: true, noDefaultInfinity: true, min: -1e9, max: 1e9 }),
    fc.integer({ min: -1e6, max: 1e6 }),
  );
  const literal = fc.oneof(
    number.map((value) =>
      Number.isInteger(value) && !Object.is(value, -0)
        ? String(value)
        : Number.isInteger(value)
          ? '0.0'
          : String(value),
    ),
    fc.constantFrom(
      'True',
      'False',
      '2**10',
      '64 * 1024',
      '1_000',
      '(0.9, 0.95)',
      '[1, [2, -3.5]]',
      '(\n  7  # seven\n)',
    ),
  );
  const line = fc.record({
    literal,
    before: fc.constantFrom('', '# ä😀\n', 'x = "é"; '),
    after: fc.constantFrom('', '  # ü 1..2', '; y = 1'),
  });
  const file = fc.tuple(fc.array(line, { maxLength: 8 }), fc.constantFrom('\n', '\r\n')).map(([lines, newline]) =>
    lines
      .map((item, index) => `${item.before}K${index}_X = ${item.literal}${item.after}\n`)
      .join('')
      .replaceAll('\n', newline),
  );
  const files = fc.sample(fc.array(file, { minLength: 40, maxLength: 40 }), { numRuns: 1, seed: 7 })[0] ?? [];

  test('new values are read back, the rest stays, and the old values give the old bytes', async () => {
    const sources = new Map(files.map((text, index) => [`f${index}.py`, text]));
    await scanConstants(PYTHON, sources);
    const changed = new Map<string, string>();
    const wanted = new Map<string, Record<string, unknown>>();
    for (const [name, text] of sources) {
      const knobs = await knobsOf(text);
      expect(applyKnobs(text, knobs, currentValues(knobs))).toBe(text);
      const values = Object.fromEntries(knobs.map((knob) => [knob.name, otherValue(knob)]));
      changed.set(name, applyKnobs(text, knobs, values));
      wanted.set(name, values);
    }
    // Another cache: what applyKnobs foretells of the new text must be what Python reads in it.
    const foretold = await scanConstants(PYTHON, changed);
    vi.resetModules();
    const fresh = await import('./scan-constants.ts');
    const read = await fresh.scanConstants(PYTHON, changed);
    for (const [name, text] of changed) {
      const result = read.get(name);
      if (result === undefined || 'error' in result) throw new Error(`${name} cannot be read: ${text}`);
      expect(Object.fromEntries(result.constants.map((constant) => [constant.name, constant.value]))).toMatchObject(
        wanted.get(name) ?? {},
      );
      expect(foretold.get(name)).toEqual(result);
    }
  });

  function otherValue({ domain, current }: KnobDescription): number | boolean | string {
    switch (domain.kind) {
      case 'boolean':
        return current !== true;
      case 'choice':
        return domain.choices.find((choice) => choice !== current) ?? current;
      case 'integer':
        return domain.low;
      case 'float':
        return domain.low + (domain.high - domain.low) / 3;
    }
  }
});

describe('what was read before', () => {
  test('starts no process again', async () => {
    vi.resetModules();
    const scan = await import('./scan-constants.ts');
    const files = new Map([['a.py', 'A = 1\n']]);
    await scan.scanConstants(PYTHON, files);
    expect((await scan.scanConstants('/no/such/python', files)).size).toBe(1);
    await expect(scan.scanConstants('/no/such/python', new Map([['a.py', 'B = 1\n']]))).rejects.toMatchObject({
      code: 'knobs-unreadable',
    });
  });
});
