import { existsSync, readFileSync } from 'node:fs';
import os from 'node:os';
import { UserError } from '../../errors.ts';
import type { Slot } from '../executor.ts';
import { listGpus } from './gpus.ts';

export interface SlotWishes {
  /** Default: as many as fit. */
  readonly slots?: number;
  /** Physical cores for each slot. Default 1. */
  readonly coresPerSlot?: number;
  /** Default 0. */
  readonly gpusPerSlot?: number;
}

/** What the machine has that this process may use. */
export interface MachineParts {
  /** One logical core of each physical core. */
  readonly cores: readonly number[];
  readonly gpus: readonly number[];
}

/** @throws UserError when the machine has too little for what was asked. */
export async function detectSlots(wishes: SlotWishes = {}): Promise<Slot[]> {
  const gpus = (wishes.gpusPerSlot ?? 0) > 0 ? await listGpus() : [];
  return divide(wishes, { cores: usableCores(), gpus: gpus.map((gpu) => gpu.index) });
}

/** Slots share nothing. */
export function divide(wishes: SlotWishes, parts: MachineParts): Slot[] {
  const { coresPerSlot = 1, gpusPerSlot = 0 } = wishes;
  const byGpus = gpusPerSlot === 0 ? Infinity : Math.floor(parts.gpus.length / gpusPerSlot);
  const most = Math.min(Math.floor(parts.cores.length / coresPerSlot), byGpus);
  const count = wishes.slots ?? Math.max(1, most);
  if (count > most) {
    const cores = `${count * coresPerSlot} cores`;
    const wanted = gpusPerSlot === 0 ? cores : `${cores} and ${count * gpusPerSlot} GPUs`;
    throw new UserError(
      'too-few-cores',
      `${count === 1 ? '1 slot needs' : `${count} slots need`} ${wanted}; usable here: ${parts.cores.length} cores, ${parts.gpus.length} GPUs.`,
      parts.gpus.length < gpusPerSlot
        ? 'Run it on a machine with such GPUs; assay check names what else is missing here.'
        : 'Ask for fewer slots, or for less in each.',
    );
  }
  return Array.from({ length: count }, (_, index) => ({
    index,
    cores: parts.cores.slice(index * coresPerSlot, (index + 1) * coresPerSlot),
    gpus: parts.gpus.slice(index * gpusPerSlot, (index + 1) * gpusPerSlot),
  }));
}

/** Two threads of one physical core slow each other down, so only one of them is used: trials must not disturb each other. */
function usableCores(): number[] {
  const seen = new Set<string>();
  const cores = allowedCores().filter((core) => {
    const file = `/sys/devices/system/cpu/cpu${core}/topology/thread_siblings_list`;
    const siblings = existsSync(file) ? readFileSync(file, 'utf8').trim() : String(core);
    const isFirst = !seen.has(siblings);
    seen.add(siblings);
    return isFirst;
  });
  // A container may be allowed less time than its cores could give.
  return cores.slice(0, Math.max(1, os.availableParallelism()));
}

function allowedCores(): number[] {
  try {
    const list = /^Cpus_allowed_list:\s*(.+)$/m.exec(readFileSync('/proc/self/status', 'utf8'))?.[1];
    if (list !== undefined) return parseCoreList(list);
  } catch {
    // Not Linux: all of them.
  }
  return os.cpus().map((_, index) => index);
}

/** `0-3,8` as the kernel writes it. */
export function parseCoreList(list: string): number[] {
  return list
    .trim()
    .split(',')
    .flatMap((part) => {
      const [first = NaN, last = first] = part.split('-').map(Number);
      return Array.from({ length: last - first + 1 }, (_, offset) => first + offset);
    });
}
