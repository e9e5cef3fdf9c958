import { afterEach, expect, test, vi } from 'vitest';
import { openOutput } from './output.ts';

afterEach(() => {
  vi.restoreAllMocks();
});

test('a number that is none is absent from JSON', () => {
  const lines: unknown[] = [];
  vi.spyOn(process.stdout, 'write').mockImplementation((text) => lines.push(text) > 0);
  openOutput().jsonLine('x.v1', { a: NaN, b: { c: Infinity, d: 0 }, e: null });
  openOutput().json('x.v1', { a: -Infinity });
  expect(lines).toEqual(['{"schema":"x.v1","b":{"d":0},"e":null}\n', '{\n  "schema": "x.v1"\n}\n']);
});
