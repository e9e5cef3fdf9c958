import { expect, test } from 'vitest';
import { importsOf } from './source-tree.ts';

test('imports are found in each form, and told from types', () => {
  const text = [
    "import type { A } from '../domain/a.ts';",
    "import { b, type C } from './b.ts';",
    'import {',
    '  d,',
    "} from '../x/d.ts';",
    "import './effect.ts';",
    "export type { E } from './e.ts';",
    "export { f } from './f.ts';",
    "const g = await import('./g.ts');",
    "import path from 'node:path';",
    "import * as z from 'zod';",
  ].join('\n');
  expect(importsOf('src/store/store.ts', text)).toEqual([
    { target: 'src/domain/a.ts', isType: true },
    { target: 'src/store/b.ts', isType: false },
    { target: 'src/x/d.ts', isType: false },
    { target: 'src/store/effect.ts', isType: false },
    { target: 'src/store/e.ts', isType: true },
    { target: 'src/store/f.ts', isType: false },
    { target: 'src/store/g.ts', isType: false },
  ]);
});
