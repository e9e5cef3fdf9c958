/**
 * No test reaches the network: a socket to anywhere but this machine fails, and so does the test that opened it, even if the code
 * under test swallows the error. Child processes are not covered; those that run candidates have no network at all.
 */
import dgram from 'node:dgram';
import net from 'node:net';
import { afterEach } from 'vitest';
import { isLoopback } from './loopback.ts';

const attempts: string[] = [];

afterEach(() => {
  const found = attempts.splice(0);
  if (found.length > 0) throw new Error(`the test tried to reach the network: ${found.join(', ')}`);
});

const connect = net.Socket.prototype.connect as (this: net.Socket, ...args: unknown[]) => net.Socket;
net.Socket.prototype.connect = function guardedConnect(this: net.Socket, ...args: unknown[]): net.Socket {
  const host = hostOf(args);
  if (host === undefined || isLoopback(host)) return connect.apply(this, args);
  attempts.push(host);
  return this.destroy(new Error(`tests are offline: a connection to ${host} was refused`));
};

const send = dgram.Socket.prototype.send as (this: dgram.Socket, ...args: unknown[]) => void;
dgram.Socket.prototype.send = function guardedSend(this: dgram.Socket, ...args: unknown[]): void {
  const host = args.findLast((value) => typeof value === 'string' && value !== args[0]);
  if (typeof host !== 'string' || isLoopback(host)) return send.apply(this, args);
  attempts.push(host);
  throw new Error(`tests are offline: a datagram to ${host} was refused`);
};

/** Of the forms (options), (port, host), (path), and Node's own ([options, callback]). Undefined: no host, so this machine. */
function hostOf(args: readonly unknown[]): string | undefined {
  const first = Array.isArray(args[0]) ? (args[0] as unknown[])[0] : args[0];
  if (typeof first === 'object' && first !== null) {
    return 'host' in first && typeof first.host === 'string' ? first.host : undefined;
  }
  const second = args[1];
  return typeof second === 'string' ? second : undefined;
}
