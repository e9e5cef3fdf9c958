#!/usr/bin/env node
/* `node bin/script.js scripts/test.ts …`: runs one of our TypeScript programs on a Node that can, or says in one line why not. */
import { dirname, resolve } from 'path';
import { fileURLToPath, pathToFileURL } from 'url';
import { continueWithNewerNode, isNewEnough } from './newer-node.js';

const self = fileURLToPath(import.meta.url);
if (isNewEnough()) {
  const program = resolve(process.argv[2]);
  process.argv.splice(1, 2, program);
  import(pathToFileURL(program).href).catch((error) => {
    process.stderr.write(`${error instanceof Error ? error.stack : String(error)}\n`);
    process.exitCode = 70;
  });
} else {
  continueWithNewerNode(dirname(dirname(self)), self);
}
