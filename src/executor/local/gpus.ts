import { execFile } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { promisify } from 'node:util';
import type { Slot } from '../executor.ts';
import type { Placement } from './attempt-record.ts';

export interface Gpu {
  /** As nvidia-smi counts them. */
  readonly index: number;
  readonly uuid: string;
  readonly name: string;
  /** Undefined where the driver does not say. */
  readonly memoryBytes?: number;
  /** Its device file, whose number need not be the index. */
  readonly device: string;
}

const SHARED_DEVICES = ['/dev/nvidiactl', '/dev/nvidia-uvm', '/dev/nvidia-uvm-tools'];

/** Empty where there is no NVIDIA driver. */
export async function listGpus(): Promise<Gpu[]> {
  try {
    const query = ['--query-gpu=index,uuid,pci.bus_id,memory.total,name', '--format=csv,noheader'];
    const { stdout } = await promisify(execFile)('nvidia-smi', query, { timeout: 30_000 });
    return parseGpus(stdout, deviceFile);
  } catch {
    return [];
  }
}

export function parseGpus(csv: string, deviceOf: (index: number, busId: string) => string): Gpu[] {
  return csv
    .split('\n')
    .map((line) => line.split(',').map((field) => field.trim()))
    .filter((fields) => fields.length >= 5 && /^\d+$/.test(fields[0] ?? ''))
    .map(([index, uuid = '', busId = '', memory = '', ...name]) => {
      const number = Number(index);
      const mebibytes = /^(\d+) MiB$/.exec(memory)?.[1];
      return {
        index: number,
        uuid,
        name: name.join(', '),
        ...(mebibytes === undefined ? {} : { memoryBytes: Number(mebibytes) * 2 ** 20 }),
        device: deviceOf(number, busId),
      };
    });
}

function deviceFile(index: number, busId: string): string {
  // nvidia-smi writes the domain with eight digits, the kernel with four.
  const folder = busId.toLowerCase().replace(/^0000(?=[0-9a-f]{4}:)/, '');
  const file = `/proc/driver/nvidia/gpus/${folder}/information`;
  const minor = existsSync(file) ? /Device Minor:\s*(\d+)/.exec(readFileSync(file, 'utf8'))?.[1] : undefined;
  return `/dev/nvidia${minor ?? index}`;
}

/** A slot's processes get the device files of its own GPUs only. The variable names them by uuid: that holds with any numbering. */
export function gpuPlacement(slot: Slot, gpus: readonly Gpu[]): Pick<Placement, 'devices' | 'environment'> {
  const own = gpus.filter((gpu) => slot.gpus.includes(gpu.index));
  if (own.length === 0) return { devices: [], environment: {} };
  return {
    devices: [...own.map((gpu) => gpu.device), ...SHARED_DEVICES],
    environment: { CUDA_VISIBLE_DEVICES: own.map((gpu) => gpu.uuid).join(',') },
  };
}
