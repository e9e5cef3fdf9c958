/* In a form that any Node since 12.20 can parse: finds a Node that can run Assay's TypeScript. */
import { spawn, spawnSync } from 'child_process';
import { existsSync } from 'fs';
import module from 'module';
import { dirname, join } from 'path';

export const NEEDED_MAJOR = 24;
/** sysexits.h */
export const EX_UNAVAILABLE = 69;

export function isNewEnough() {
  return majorOf(process.versions.node) >= NEEDED_MAJOR;
}

/** Runs a file with the Node that `npm ci` installed beside us; says so in one line where there is none. */
export function continueWithNewerNode(root, file) {
  const node = findNewerNode(root);
  if (node === undefined) {
    fail(
      `assay needs Node ${NEEDED_MAJOR} or newer; this is ${process.versions.node} (${process.execPath}). ` +
        'Run "npm ci" in Assay\'s folder, which brings its own.',
    );
    return;
  }
  const child = spawn(node, [file, ...process.argv.slice(2)], { stdio: 'inherit' });
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

export function fail(message) {
  process.stderr.write(`${message}\n`);
  process.exitCode = EX_UNAVAILABLE;
}

/** An optional dependency of Assay. */
function findNewerNode(root) {
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

function majorOf(version) {
  return Number(version.split('.')[0]);
}
