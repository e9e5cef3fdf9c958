import type { EngineControls } from '../engine/engine.ts';

/** Ctrl-C once stops cleanly, twice stops now; a third time does what it always did. SIGTERM counts as Ctrl-C. */
export function listenForInterruption(
  say: (text: string) => void,
): EngineControls & Disposable & { readonly times: () => number } {
  const stop = new AbortController();
  const abort = new AbortController();
  let times = 0;
  const onSignal = (): void => {
    times += 1;
    if (times === 1) {
      say('stopping: what runs is left to end, nothing new is started; press Ctrl-C again to stop now');
      stop.abort();
    } else if (times === 2) {
      say('stopping now: running trials are ended and will be run again by "assay resume"');
      abort.abort();
    } else {
      process.exit(130);
    }
  };
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, onSignal);
  return {
    stop: stop.signal,
    abort: abort.signal,
    times: () => times,
    [Symbol.dispose]: () => {
      for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.off(signal, onSignal);
    },
  };
}
