/**
 * `npm run bench`: what Assay costs and what its gate lets through, as a table and as JSON.
 *
 * `npm run bench -- null power` runs only these parts; `--out FILE` also writes the JSON there; `--full` goes to 100,000 experiments.
 */
import { writeFile } from 'node:fs/promises';
import { cpus } from 'node:os';
import { parseArgs } from 'node:util';
import { renderTable } from '../src/cli/table.ts';
import { assayVersion } from '../src/engine/version.ts';
import { measureIdle } from './idle.ts';
import type { Measurement } from './measurement.ts';
import { measureNull, measurePower } from './null.ts';
import { measureOverhead } from './overhead.ts';
import { measureLaunch, measureResume } from './process.ts';

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    out: { type: 'string' },
    full: { type: 'boolean', default: false },
    experiments: { type: 'string', default: '1000' },
  },
});
const sizes = values.full ? [0, 1000, 10_000, 100_000] : [0, 1000, 10_000];
const experiments = Number(values.experiments);

const PARTS: Readonly<Record<string, () => Promise<readonly Measurement[]>>> = {
  launch: () => measureLaunch(7),
  overhead: () => measureOverhead(sizes),
  resume: () => measureResume(sizes.slice(1), 5),
  idle: () => measureIdle([1, 2, 8, 32]),
  null: () => measureNull(experiments),
  power: () => measurePower(experiments),
};

const chosen = positionals.length > 0 ? positionals : Object.keys(PARTS);
const unknown = chosen.filter((name) => !(name in PARTS));
if (unknown.length > 0) {
  process.stderr.write(`there is no part ${unknown.join(', ')}; there are: ${Object.keys(PARTS).join(', ')}\n`);
  process.exit(2);
}
const results: (Measurement & { readonly part: string })[] = [];
for (const part of chosen) {
  const startedAt = Date.now();
  const measured = await PARTS[part]?.();
  for (const each of measured ?? []) results.push({ part, ...each });
  process.stderr.write(`${part}: ${((Date.now() - startedAt) / 1000).toFixed(0)} s\n`);
}
const show = (value: number): string => (Number.isInteger(value) ? String(value) : value.toPrecision(3));
process.stdout.write(
  `${renderTable(
    [
      { title: 'measure' },
      { title: 'value', align: 'right' },
      { title: 'unit' },
      { title: 'spread' },
      { title: 'n', align: 'right' },
      { title: 'target' },
    ],
    results.map(({ name, value, unit, spread, n, target }) => [
      name,
      show(value),
      unit,
      spread ?? '',
      n === undefined ? '' : String(n),
      target ?? '',
    ]),
  )}\n`,
);
const machine = { cpu: cpus()[0]?.model ?? 'unknown', cores: cpus().length, node: process.versions.node };
const document = { schema: 'assay.bench.v1', assay: assayVersion(), machine, measurements: results };
if (values.out !== undefined) await writeFile(values.out, `${JSON.stringify(document, null, 2)}\n`);
else process.stdout.write(`${JSON.stringify(document)}\n`);
