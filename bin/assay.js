#!/usr/bin/env node
/*
 * The only JavaScript here, in a form that any Node since 12.20 can parse: it makes sure that the rest runs on a Node that can run it.
 */
import { spawn, spawnSync } from 'child_process';
import { existsSync, realpathSync } from 'fs';
import module from 'module';
import { dirname, join, sep } from 'path';
import { fileURLToPath, pathToFileURL } from 'url';

const NEEDED_MAJOR = 24;
/** sysexits.h */
const EX_UNAVAILABLE = 69;

const root = dirname(dirname(realpathSync(fileURLToPath(import.meta.url))));

if (majorOf(process.versions.node) >= NEEDED_MAJOR) {
  start();
} else {
  const newer = findNewerNode();
  if (newer === undefined) {
    fail(
      `assay needs Node ${NEEDED_MAJOR} or newer; this is ${process.versions.node} (${process.execPath}). ` +
        'Run "npm ci" in Assay\'s folder, which brings its own.',
    );
  } else {
    continueWith(newer);
  }
}

function start() {
  const program = findProgram();
  if (program === undefined) {
    fail(`assay is not completely installed: its program is missing from ${root}.`);
    return;
  }
  module.enableCompileCache(join(root, '.cache', 'compile'));
  import(pathToFileURL(program).href)
    .then((cli) => cli.main(process.argv.slice(2)))
    .then(
      (exitCode) => {
        process.exitCode = exitCode;
      },
      (error) => {
        // The command line reports every error itself: this is a bug in it.
        process.stderr.write(`${error instanceof Error ? error.stack : String(error)}\n`);
        process.exitCode = 70;
      },
    );
}

/** The sources; compiled under node_modules, where Node runs no TypeScript. A stale dist/ of a checkout is never run. */
function findProgram() {
  const source = join(root, 'src', 'cli', 'main.ts');
  const compiled = join(root, 'dist', 'cli', 'main.js');
  const isInstalled = root.split(sep).includes('node_modules');
  const order = isInstalled ? [compiled] : [source, compiled];
  return order.find((file) => existsSync(file));
}

/** The Node that `npm ci` installed beside us: an optional dependency of Assay. */
function findNewerNode() {
  const candidates = [join(root, 'node_modules', '.bin', 'node')];
  try {
    const require = module.createRequire(import.meta.url);
    const manifest = require.resolve(`node-${process.platform}-${process.arch}/package.json`);
    candidates.push(join(dirname(manifest), 'bin', 'node'));
  } catch (notInstalled) {
    // Then there is only the first.
  }
  return candidates.find((candidate) => {
    if (!existsSync(candidate)) return false;
    const { stdout } = spawnSync(candidate, ['--version'], { encoding: 'utf8' });
    return typeof stdout === 'string' && majorOf(stdout.trim().replace(/^v/, '')) >= NEEDED_MAJOR;
  });
}

function continueWith(node) {
  const child = spawn(node, [fileURLToPath(import.meta.url), ...process.argv.slice(2)], { stdio: 'inherit' });
  // The terminal sends an interrupt to both; the child decides what it means. What comes from elsewhere is passed on.
  process.on('SIGINT', () => {});
  process.on('SIGQUIT', () => {});
  process.on('SIGTERM', () => child.kill('SIGTERM'));
  process.on('SIGHUP', () => child.kill('SIGHUP'));
  child.on('error', (error) => fail(`assay could not start ${node}: ${error.message}`));
  child.on('exit', (code, signal) => {
    if (signal === null) {
      process.exitCode = code;
    } else {
      process.removeAllListeners(signal);
      process.kill(process.pid, signal);
    }
  });
}

function majorOf(version) {
  return Number(version.split('.')[0]);
}

function fail(message) {
  process.stderr.write(`${message}\n`);
  process.exitCode = EX_UNAVAILABLE;
}
