import net from 'node:net';

/** Whether a host is this machine, by name or address. Unknown names are not: looking them up would already leave it. */
export function isLoopback(host: string): boolean {
  const bare = host.replace(/^\[|\]$/g, '').toLowerCase();
  if (bare === '' || bare === 'localhost' || bare === '0.0.0.0' || bare === '::' || bare === '::1') return true;
  const mapped = bare.startsWith('::ffff:') ? bare.slice('::ffff:'.length) : bare;
  return net.isIPv4(mapped) && mapped.startsWith('127.');
}
