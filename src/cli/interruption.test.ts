import { expect, test, vi } from 'vitest';
import { listenForInterruption } from './interruption.ts';

test('the first signal stops, the second aborts, the third leaves at once', () => {
  const said: string[] = [];
  const exit = vi.spyOn(process, 'exit').mockImplementation(() => undefined as never);
  using controls = listenForInterruption((text) => said.push(text));
  expect([controls.stop.aborted, controls.abort.aborted, controls.times()]).toEqual([false, false, 0]);
  process.emit('SIGINT');
  expect([controls.stop.aborted, controls.abort.aborted, controls.times()]).toEqual([true, false, 1]);
  expect(said).toEqual([expect.stringContaining('again to stop now')]);
  process.emit('SIGINT');
  expect([controls.abort.aborted, controls.times()]).toEqual([true, 2]);
  expect(said[1]).toContain('assay resume');
  expect(exit).not.toHaveBeenCalled();
  process.emit('SIGINT');
  expect(exit).toHaveBeenCalledWith(130);
  exit.mockRestore();
});

test.each(['SIGTERM', 'SIGHUP'] as const)('%s counts as Ctrl-C, so a closed terminal loses nothing', (signal) => {
  using controls = listenForInterruption(() => {});
  process.emit(signal);
  expect(controls.stop.aborted).toBe(true);
  process.emit('SIGINT');
  expect(controls.abort.aborted).toBe(true);
});

test('afterwards signals do what they always did: no listener is left behind', () => {
  const before = ['SIGINT', 'SIGTERM', 'SIGHUP'].map((signal) => process.listenerCount(signal));
  {
    using controls = listenForInterruption(() => {});
    expect(controls.times()).toBe(0);
    expect(process.listenerCount('SIGINT')).toBe((before[0] ?? 0) + 1);
  }
  expect(['SIGINT', 'SIGTERM', 'SIGHUP'].map((signal) => process.listenerCount(signal))).toEqual(before);
});
