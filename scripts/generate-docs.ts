/**
 * `npm run docs` writes the pages of docs/reference that are made from the code; `--check` only says which are stale.
 */
import { existsSync } from 'node:fs';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';

interface Page {
  /** Under docs/reference. */
  readonly file: string;
  readonly source: string;
  /** The whole file, with its last line end. */
  readonly render: () => Promise<string>;
}

const ROOT = path.resolve(import.meta.dirname, '..');
const REFERENCE = path.join(ROOT, 'docs', 'reference');

const PAGES: readonly Page[] = [
  { file: 'task.schema.json', source: 'src/task/json-schema.ts', render: renderTaskSchema },
  { file: 'cli.md', source: 'src/cli/reference.ts', render: renderCommandLine },
];

const isCheck = process.argv.includes('--check');
const stale: string[] = [];
for (const page of PAGES) {
  const content = await page.render();
  const file = path.join(REFERENCE, page.file);
  if (existsSync(file) && (await readFile(file, 'utf8')) === content) continue;
  const name = path.relative(ROOT, file);
  if (isCheck) {
    stale.push(`${name} is stale: it is made from ${page.source}. Run: npm run docs`);
  } else {
    await mkdir(path.dirname(file), { recursive: true });
    await writeFile(file, content);
    process.stdout.write(`wrote ${name}\n`);
  }
}
if (stale.length > 0) {
  process.stderr.write(`${stale.join('\n')}\n`);
  process.exitCode = 1;
}

async function renderTaskSchema(): Promise<string> {
  const { taskJsonSchema } = await import('../src/task/json-schema.ts');
  return `${JSON.stringify(taskJsonSchema(), undefined, 2)}\n`;
}

async function renderCommandLine(): Promise<string> {
  const { cliReference } = await import('../src/cli/reference.ts');
  return cliReference();
}
