#!/usr/bin/env node
/*
 * JavaScript in a form that any Node since 12.20 can parse: it makes sure that the rest runs on a Node that can run it.
 */
import { existsSync, realpathSync } from 'fs';
import module from 'module';
import { dirname, join, sep } from 'path';
import { fileURLToPath, pathToFileURL } from 'url';
import { continueWithNewerNode, fail, isNewEnough } from './newer-node.js';

const root = dirname(dirname(realpathSync(fileURLToPath(import.meta.url))));

if (isNewEnough()) start();
else continueWithNewerNode(root, fileURLToPath(import.meta.url));

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
