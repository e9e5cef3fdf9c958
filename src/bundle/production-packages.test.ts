import path from 'node:path';
import { expect, test } from 'vitest';
import { temporaryFolder } from '../task/load-task.fixture.ts';
import { isRun, productionPackages } from './production-packages.ts';

const manifest = (...names: readonly string[]): string =>
  JSON.stringify({
    dependencies: Object.fromEntries(names.map((name) => [name, '1'])),
    devDependencies: { never: '1' },
  });

test('what is needed to run, nested and in circles, and nothing else', async () => {
  await using folder = await temporaryFolder({
    'package.json': manifest('a', '@scope/b'),
    'node_modules/a/package.json': manifest('c'),
    'node_modules/a/node_modules/c/package.json': manifest('a'),
    'node_modules/c/package.json': manifest(),
    'node_modules/@scope/b/package.json': manifest('c'),
    'node_modules/never/package.json': manifest(),
  });
  expect([...productionPackages(folder.path).keys()]).toEqual([
    '@scope/b',
    'a',
    path.join('a', 'node_modules', 'c'),
    'c',
  ]);
  await using broken = await temporaryFolder({ 'package.json': manifest('gone') });
  expect(() => productionPackages(broken.path)).toThrow(expect.objectContaining({ code: 'package-missing' }));
});

test('types and maps stay behind, licences and code do not', () => {
  expect(['index.js', 'index.cjs', 'package.json', 'LICENSE', 'lib/data.json'].every(isRun)).toBe(true);
  expect(['index.d.ts', 'index.d.cts', 'src/index.ts', 'index.js.map', 'README.md'].some(isRun)).toBe(false);
});
