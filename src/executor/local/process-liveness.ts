import { readFile } from 'node:fs/promises';

/** A pid alone names no process for ever; with its start time (clock ticks from boot) it does. */
export interface ProcessIdentity {
  readonly pid: number;
  readonly processStart: number;
}

/** A zombie counts as dead: its parent has only not asked yet how it ended. */
export async function isProcessAlive(identity: ProcessIdentity): Promise<boolean> {
  let stat: string;
  try {
    stat = await readFile(`/proc/${identity.pid}/stat`, 'latin1');
  } catch {
    return false;
  }
  // The second field is the program's name in parentheses; it may hold spaces and parentheses itself.
  const [state, ...fields] = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return state !== 'Z' && state !== 'X' && Number(fields[18]) === identity.processStart;
}

/** Sends nothing when the process is gone. */
export async function signalProcess(identity: ProcessIdentity, signal: NodeJS.Signals): Promise<void> {
  if (!(await isProcessAlive(identity))) return;
  try {
    process.kill(identity.pid, signal);
  } catch {
    // It ended in between.
  }
}
