/**
 * `npm run gate-report`: what the gate catches, what it lets through and what it costs, from live runs.
 *
 * `-- hostile claims` runs only these parts; `--experiments N` sizes the null and power runs (default 1,000), `--search N` the two
 * campaigns (default 40); `--out FOLDER` keeps the text and the numbers there. All parts take about an hour on two cores.
 */
import { execFileSync } from 'node:child_process';
import { mkdir, writeFile } from 'node:fs/promises';
import { cpus } from 'node:os';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { assayVersion } from '../../src/engine/version.ts';
import { measureNull, measurePower } from '../null.ts';
import { REPOSITORY } from '../campaign.ts';
import { catalogueSection } from './catalogue.ts';
import { claimsSection } from './claims.ts';
import { costSection } from './cost.ts';
import { hostileSection } from './hostile.ts';
import { measurementsSection, type Section } from './section.ts';

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    out: { type: 'string' },
    experiments: { type: 'string', default: '1000' },
    search: { type: 'string', default: '40' },
  },
});
const experiments = Number(values.experiments);
const search = Number(values.search);

const PARTS: Readonly<Record<string, () => Promise<Section>>> = {
  catalogue: catalogueSection,
  claims: claimsSection,
  hostile: hostileSection,
  null: async () =>
    measurementsSection(`Null task: ${experiments} changes that do nothing`, await measureNull(experiments)),
  power: async () =>
    measurementsSection(
      `Planted task: power at 0.5, 1 and 2 sigma (${experiments} experiments)`,
      await measurePower(experiments),
    ),
  cost: () => costSection(search),
};

const chosen = positionals.length > 0 ? positionals : Object.keys(PARTS);
const unknown = chosen.filter((name) => !(name in PARTS));
if (unknown.length > 0 || !(experiments > 0) || !(search > 0)) {
  process.stderr.write(`parts are ${Object.keys(PARTS).join(', ')}; --experiments and --search are numbers above 0\n`);
  process.exit(2);
}

const machine = `${cpus().length} cores of ${cpus()[0]?.model ?? 'unknown'}, Node ${process.versions.node}`;
const commit = execFileSync('git', ['rev-parse', '--short', 'HEAD'], { cwd: REPOSITORY, encoding: 'utf8' }).trim();
const lines = [`gate report: Assay ${assayVersion()}, commit ${commit}, ${machine}`, ''];
const numbers: Record<string, unknown> = {};
process.stdout.write(`${lines.join('\n')}\n`);
for (const part of chosen) {
  const startedAt = Date.now();
  const section = await PARTS[part]?.();
  if (!section) continue;
  const seconds = Math.round((Date.now() - startedAt) / 1000);
  const text = [`## ${section.title} (${seconds} s)`, '', ...section.lines, ''];
  process.stdout.write(`${text.join('\n')}\n`);
  lines.push(...text);
  numbers[part] = section.numbers;
}
if (values.out !== undefined) {
  await mkdir(values.out, { recursive: true });
  await writeFile(path.join(values.out, 'gate-report.txt'), `${lines.join('\n')}\n`);
  const document = { schema: 'assay.gate-report.v1', assay: assayVersion(), commit, machine, ...numbers };
  const text = JSON.stringify(document, null, 2).replaceAll(`${REPOSITORY}/`, '');
  await writeFile(path.join(values.out, 'gate-report.json'), `${text}\n`);
}
