import { describe, expect, test } from 'vitest';

import { installStep } from './build-venv.ts';
import { parseRequirement, unmetRequirements } from './requirements.ts';
import { satisfies } from './versions.ts';

test.each([
  ['2.13.0', '==2.13.0', true],
  ['2.13.0+cpu', '==2.13.0', true],
  ['2.13.0+cpu', '==2.13.0+cpu', true],
  ['2.13.0', '==2.13.0+cpu', false],
  ['2.13', '==2.13.0', true],
  ['2.13.1', '==2.13.*', true],
  ['2.14.0', '==2.13.*', false],
  ['2.13.1', '!=2.13.1', false],
  ['3.11.2', '>=3.10', true],
  ['3.9.18', '>=3.10', false],
  ['3.11.2', '>=3.10,<3.14', true],
  ['3.14.0', '>=3.10,<3.14', false],
  ['1.4.9', '~=1.4.2', true],
  ['1.5.0', '~=1.4.2', false],
  ['2.0rc1', '>=2.0', false],
  ['2.0.post1', '>2.0', true],
  ['2.0.dev3', '<2.0a1', true],
  ['strange', '>=1', false],
  ['strange', '==strange', true],
  ['1', '', true],
])('%s satisfies %s: %s', (version, specifiers, expected) => {
  expect(satisfies(version, specifiers)).toBe(expected);
});

describe('a requirement', () => {
  test.each([
    ['torch==2.13.0', { type: 'package', name: 'torch', specifiers: '==2.13.0' }],
    ['Foo_Bar.baz[extra] >= 1, < 2', { type: 'package', name: 'foo-bar-baz', specifiers: '>=1,<2' }],
    ['tiny @ file:///wheels/tiny.whl', { type: 'package', name: 'tiny', specifiers: '' }],
    ['--no-index', { type: 'option' }],
    ['-r more.txt', { mistake: 'a package such as torch==2.13.0; other files and editable packages are not followed' }],
    ['a; python_version < "3.12"', { mistake: "a package without a condition after ';'" }],
    ['a = 1', { mistake: 'a package such as torch==2.13.0' }],
  ])('%s', (line, expected) => {
    expect(parseRequirement(line)).toEqual(expected);
  });

  test('that is not met is said in words', () => {
    expect(unmetRequirements(['a==1', 'b==1', 'c==1', '--no-index'], { a: '1', b: '2' })).toEqual([
      'b is 2, not ==1',
      'c is not installed',
    ]);
  });
});

test.each([
  ['Collecting torch==2.13.0 (from -r x)', 'looking for torch==2.13.0'],
  ['  Downloading torch-2.13.0-cp311.whl (200.1 MB)', 'fetching torch-2.13.0-cp311.whl (200.1 MB)'],
  ['Installing collected packages: a, b', 'installing a, b'],
  ['[notice] A new release', undefined],
])('pip saying "%s" means %s', (line, step) => {
  expect(installStep(line)).toBe(step);
});
