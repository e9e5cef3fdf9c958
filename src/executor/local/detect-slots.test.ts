import { expect, it } from 'vitest';
import type { UserError } from '../../errors.ts';
import { detectSlots, divide, parseCoreList, type SlotWishes } from './detect-slots.ts';
import { describeDevice } from './describe-device.ts';
import { gpuPlacement, parseGpus } from './gpus.ts';

const parts = { cores: [0, 2, 4, 6, 8], gpus: [0, 1] };

it('gives each slot cores and GPUs of its own', () => {
  expect(divide({ coresPerSlot: 2 }, parts)).toEqual([
    { index: 0, cores: [0, 2], gpus: [] },
    { index: 1, cores: [4, 6], gpus: [] },
  ]);
  expect(divide({ gpusPerSlot: 1 }, parts)).toEqual([
    { index: 0, cores: [0], gpus: [0] },
    { index: 1, cores: [2], gpus: [1] },
  ]);
  expect(divide({ slots: 1 }, parts)).toHaveLength(1);
});

it('refuses more than the machine has, with both numbers', () => {
  expect(() => divide({ slots: 3, coresPerSlot: 2 }, parts)).toThrow('3 slots need 6 cores; usable here: 5 cores');
  expect(() => divide({ gpusPerSlot: 4 }, parts)).toThrow('4 GPUs');
  expect(() => divide({ coresPerSlot: 9 }, parts)).toThrow('1 slot needs 9 cores');
  const hint = (wishes: SlotWishes): string => {
    try {
      divide(wishes, { ...parts, gpus: [] });
    } catch (error) {
      return (error as UserError).hint;
    }
    return 'none';
  };
  expect(hint({ gpusPerSlot: 1 })).toMatch(/machine with such GPUs; assay check/);
  expect(hint({ slots: 9 })).toBe('Ask for fewer slots, or for less in each.');
});

it('finds at least one slot here', async () => {
  const slots = await detectSlots();
  expect(slots.length).toBeGreaterThan(0);
  expect(describeDevice(slots, [])).toMatch(/^1 core of \S+/);
});

it('reads the lists of cores that the kernel writes', () => {
  expect(parseCoreList('0-3,8,10-11\n')).toEqual([0, 1, 2, 3, 8, 10, 11]);
});

it('reads what nvidia-smi says and places a slot on its own devices', () => {
  const csv =
    '0, GPU-aa, 00000000:0F:00.0, [N/A], NVIDIA H100 80GB HBM3\n1, GPU-bb, 00000000:10:00.0, 81559 MiB, NVIDIA H100 80GB HBM3\n';
  const gpus = parseGpus(csv, (index, busId) => `/dev/nvidia${index}@${busId}`);
  expect(gpus[1]).toEqual({
    index: 1,
    uuid: 'GPU-bb',
    name: 'NVIDIA H100 80GB HBM3',
    memoryBytes: 81559 * 2 ** 20,
    device: '/dev/nvidia1@00000000:10:00.0',
  });
  expect(gpus[0]).not.toHaveProperty('memoryBytes');
  const slot = { index: 0, cores: [0], gpus: [1] };
  const placement = gpuPlacement(slot, gpus);
  expect(placement.environment).toEqual({ CUDA_VISIBLE_DEVICES: 'GPU-bb' });
  expect(placement.devices[0]).toContain('/dev/nvidia1');
  expect(placement.devices.join()).not.toContain('/dev/nvidia0');
  expect(describeDevice([slot], gpus)).toBe('1 x NVIDIA H100 80GB HBM3');
});
