import { expect, test } from 'vitest';
import { readRepositoryFile, repositoryFiles } from './source-tree.ts';

const HOMES = 'a home directory';

/** Taken apart, so that this file doesn't hold what it looks for. */
const FORBIDDEN: readonly [what: string, pattern: RegExp][] = [
  ['the path of a checkout', absolute('work', '(main|shared)\\b')],
  [HOMES, absolute('root', '[.\\w]')],
  [HOMES, absolute('home', '(?!user/|you/|name/)[\\w.-]+/')],
  [HOMES, absolute('Users', '[\\w.-]+/')],
  ['a place where packages are kept on one machine', absolute('opt', '(wheels|pypi)')],
  ['a package registry', new RegExp(`registry\\.(${['npm', 'yarn'].join('|')})`)],
  ['a package registry', new RegExp(['py', 'pi\\.org'].join(''))],
  ['a package registry', new RegExp(['python', 'hosted\\.org'].join(''))],
  ['a package mirror', new RegExp(['"resolved"', '\\s*:\\s*"http'].join(''))],
  ['a private key', new RegExp(['-----BEGIN', '[A-Z ]*PRIVATE KEY'].join(' '))],
];

/** Where such words are the matter itself: source text that was copied from elsewhere. */
const EXEMPT = new Set(['LICENSE']);

/** Places where an attacker would look are named by the attacks and by the decoys, which nobody's machine needs to have. */
const ATTACKED =
  /^(src\/audit\/red-team\/exploits\/|src\/judge\/plan-tripwires\.ts$|test\/integration\/zones\/|python\/tests\/)/;

const TEXT =
  /\.(ts|js|mjs|py|md|json|jsonc|yaml|yml|toml|txt|sh|html|css|cfg)$|^[^.]+$|(^|\/)\.[a-z]+(rc|ignore)?(\/run)?$/;

test('no file of the repository names a machine, a registry or a secret', () => {
  const found = repositoryFiles()
    .filter((file) => TEXT.test(file) && !EXEMPT.has(file))
    .flatMap((file) => {
      const lines = readRepositoryFile(file).split('\n');
      return lines.flatMap((line, index) =>
        FORBIDDEN.filter(([what, pattern]) => pattern.test(line) && !(what === HOMES && ATTACKED.test(file))).map(
          ([what]) => `${file}:${index + 1}: ${what}`,
        ),
      );
    });
  expect(found).toEqual([]);
});

test('the patterns find what they are for', () => {
  const examples = [
    ['', 'work', 'main'],
    ['', 'root', '.cache'],
    ['', 'home', 'ada', 'x'],
    ['', 'Users', 'ada', 'x'],
  ];
  const missed = examples.filter((parts) => !FORBIDDEN.some(([, pattern]) => pattern.test(` '${parts.join('/')}'`)));
  expect(missed).toEqual([]);
  const innocent = ['src/root/x', 'https://example.org/home/ada/', '/workspace/x', './root/x'];
  expect(innocent.filter((text) => FORBIDDEN.some(([, pattern]) => pattern.test(text)))).toEqual([]);
});

function absolute(top: string, rest: string): RegExp {
  return new RegExp(`(?<![\\w.~:-])/${top}/${rest}`);
}
