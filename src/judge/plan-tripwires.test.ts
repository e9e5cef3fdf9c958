import { describe, expect, test } from 'vitest';
import { planTripwires } from './plan-tripwires.ts';

describe('decoys', () => {
  const at = (...targets: string[]): readonly string[] =>
    planTripwires(targets.map((target) => ({ source: '/host', target })));

  test('lie at every forbidden place where nothing real is mounted', () => {
    expect(at('/workspace', '/output')).toEqual(expect.arrayContaining(['/result/result.json', '/data/held-out.bin']));
    expect(at('/data').filter((place) => place.startsWith('/data'))).toEqual([]);
    expect(at('/data/train')).toContain('/data/held-out.bin');
    expect(at('/data/hidden/hidden.bin/deep')).not.toContain('/data/hidden/hidden.bin');
    expect(at('/')).toEqual([]);
  });

  test('a mount whose name only begins like a place takes nothing away', () => {
    expect(at('/res', '/data/held')).toEqual(at());
  });
});
