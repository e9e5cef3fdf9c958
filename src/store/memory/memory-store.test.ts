import { describeStoreContract } from '../store.contract.ts';
import { inMemoryStore, MemoryLog } from './memory-store.ts';

describeStoreContract('the store in memory', async () => {
  const log = new MemoryLog();
  return { open: async (clock) => inMemoryStore(clock === undefined ? { log } : { log, clock }) };
});
