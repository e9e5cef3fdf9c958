/** A stand-in for the engine: submits one attempt and waits for ever. Arguments: root, sandbox, base uid, attempt as JSON. */
import type { SandboxKind } from '../../domain/trial.ts';
import type { Attempt } from '../executor.ts';
import { createLocalExecutor } from './create-local-executor.ts';

const [root, sandbox, uidBase, attempt] = process.argv.slice(2) as [string, SandboxKind, string, string];
const slots = [{ index: 0, cores: [], gpus: [] }];
const executor = await createLocalExecutor({
  root,
  slots,
  python: '/usr/bin/python3',
  sandbox,
  uidBase: Number(uidBase),
});
await executor.submit(JSON.parse(attempt) as Attempt);
process.stdout.write(`submitted ${executor.launcherPid}\n`);
setInterval(() => undefined, 1000);
