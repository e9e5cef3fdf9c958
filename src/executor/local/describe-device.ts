import os from 'node:os';
import type { Slot } from '../executor.ts';
import type { Gpu } from './gpus.ts';

/** What one slot computes on, and how many work side by side: both change the numbers. */
export function describeDevice(slots: readonly Slot[], gpus: readonly Gpu[]): string {
  const first = slots[0];
  const side = slots.length === 1 ? '' : `, ${slots.length} slots side by side`;
  const names = gpus.filter((gpu) => first?.gpus.includes(gpu.index)).map((gpu) => gpu.name);
  if (names.length > 0) return `${names.length} x ${names[0]}${side}`;
  const cores = first?.cores.length ?? 0;
  return `${cores === 1 ? '1 core' : `${cores} cores`} of ${cpuModel()}${side}`;
}

function cpuModel(): string {
  const model = os
    .cpus()[0]
    ?.model.replace(/\((?:R|TM)\)/g, '')
    .replace(/\s+/g, ' ')
    .trim();
  return model === undefined || model === '' || model === 'unknown' ? `a processor of type ${os.arch()}` : model;
}
