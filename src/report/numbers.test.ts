import { expect, test } from 'vitest';
import {
  count,
  decimalsFor,
  showEValue,
  showGain,
  showInterval,
  pWords,
  showP,
  showPercent,
  showSeconds,
  showValue,
} from './numbers.ts';

test('shows as many decimals as the noise allows', () => {
  expect(decimalsFor(0.0019)).toBe(4);
  expect(decimalsFor(0.5)).toBe(2);
  expect(decimalsFor(120)).toBe(0);
  expect(decimalsFor(0)).toBeUndefined();
  expect(decimalsFor(undefined)).toBeUndefined();
  expect(showValue(1.2346789, 4)).toBe('1.2347');
});

test('a gain always has its sign, and what is unknown is empty', () => {
  expect(showGain(0.0123)).toBe('+0.0123');
  expect(showGain(-0.5, 2)).toBe('−0.50');
  expect(showGain(undefined)).toBe('');
  expect(showValue(undefined)).toBe('');
  expect(showInterval({ low: -1, high: 2 }, 1)).toBe('−1.0 to +2.0');
});

test('a tiny p-value is a bound and a large one has two digits', () => {
  expect(showP(1e-9)).toBe('< 0.0001');
  expect([pWords(1e-9), pWords(0.0234)]).toEqual(['p < 0.0001', 'p = 0.023']);
  expect(showP(0.0004)).toBe('0.0004');
  expect(showP(0.0234)).toBe('0.023');
  expect(showP(0.5)).toBe('0.50');
});

test('times and counts read like words', () => {
  expect(showSeconds(0.4231)).toBe('0.42 s');
  expect(showSeconds(59.7)).toBe('1 min');
  expect(showSeconds(250)).toBe('4 min 10 s');
  expect(showSeconds(3600 * 3 + 720)).toBe('3 h 12 min');
  expect(showSeconds(86_400 * 2 + 3600 * 4)).toBe('2 d 4 h');
  expect(count(1, 'pair')).toBe('1 pair');
  expect(count(2, 'pair')).toBe('2 pairs');
  expect(showPercent(0.045)).toBe('4.5 %');
  expect(showEValue(1.3e12)).toBe('1.3e12');
  expect(showEValue(77.9)).toBe('78');
});
