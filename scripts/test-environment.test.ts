import { expect, test } from 'vitest';
import { cleanEnvironment } from './test-environment.ts';

test('keys of models, credentials and settings of Assay are taken out, and the rest is left', () => {
  const names = [
    'OPENAI_API_KEY',
    'ANTHROPIC_BASE_URL',
    'ASSAY_HOME',
    'SOMEBODY_API_KEY',
    'GITHUB_TOKEN',
    'hf_home',
    'PATH',
    'LANG',
  ];
  const clean = cleanEnvironment(Object.fromEntries(names.map((name) => [name, 'x'])));
  expect(Object.keys(clean)).toEqual(['PATH', 'LANG']);
});

test('this run has none of them', () => {
  const left = Object.keys(process.env).filter((name) => /^(OPENAI|ANTHROPIC)_|_API_KEY$/.test(name));
  expect(left).toEqual([]);
});
