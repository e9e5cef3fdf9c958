/**
 * `npm start`: Assay's main job on a fresh machine. A campaign on tasks/nanochat-cpu from the vanilla start; run again, it goes on.
 *
 * `npm start -- --new` starts anew; other options go to `assay run`.
 */
import { existsSync } from 'node:fs';
import path from 'node:path';
import { main } from '../src/cli/main.ts';

const ROOT = path.resolve(import.meta.dirname, '..');
const CAMPAIGN = path.join(ROOT, '.assay', 'nanochat-cpu-vanilla', 'log.db');
/** What the first run does, and each further one adds. Minutes bound it on a slow machine. */
const EXPERIMENTS = 26;
const MINUTES = 5.75;

const given = process.argv.slice(2);
const more = existsSync(CAMPAIGN) && !given.includes('--new') ? '+' : '';
const limits = ['--experiments', `${more}${EXPERIMENTS}`, '--minutes', `${more}${MINUTES}`];
process.exitCode = await main(['--directory', ROOT, 'run', 'nanochat-cpu', '--start', 'vanilla', ...limits, ...given]);
