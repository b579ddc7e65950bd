import { Connection } from '@platformatic/kafka';
import type { KafkaSettings } from './settings.ts';

const longestConnectMs = 10_000;
/** A connection that nothing came over for so long is probed. */
const keepAliveMs = 30_000;

/** Opens connections to brokers. Connecting may not take longer than a request, nor than 10 s. */
export function newConnection(settings: KafkaSettings, requestTimeoutMs: number): Connection {
  const { clientId, tls, sasl, maxRequestsInFlightPerBroker } = settings;
  const connection = new Connection(clientId, {
    connectTimeout: Math.min(requestTimeoutMs, longestConnectMs),
    requestTimeout: requestTimeoutMs,
    maxInflights: maxRequestsInFlightPerBroker,
    ...(tls === undefined ? {} : { tls }),
    ...(sasl === undefined ? {} : { sasl }),
  });
  // Failures are learnt from callbacks and from 'close'; without a listener the event would end the process.
  connection.on('error', () => undefined);
  // One that a firewall or a dead host has forgotten is noticed while it is idle, not by the next batch.
  connection.on('connect', () => connection.socket.setKeepAlive(true, keepAliveMs));
  return connection;
}

/**
 * Ends a connection at once. Its unanswered requests fail, synchronously or in a later turn.
 *
 * `close` alone waits until a peer that may hang has taken what was written; destroying the socket alone would leave
 * the timer for the next SASL authentication behind.
 */
export function discard(connection: Connection): void {
  connection.close(() => undefined);
  // Typed as always there, but there is none before `connect`.
  (connection.socket as Connection['socket'] | undefined)?.destroy();
}

export interface Address {
  readonly host: string;
  readonly port: number;
}

/** @param text `host:port`; an IPv6 host in brackets. Undefined when it is neither. */
export function parseAddress(text: string): Address | undefined {
  const [, bracketed, plain, port] = /^(?:\[([^\]]+)\]|([^:\s]+)):(\d{1,5})$/.exec(text) ?? [];
  const host = bracketed ?? plain;
  if (host === undefined || Number(port) < 1 || Number(port) > 0xffff) return undefined;
  return { host, port: Number(port) };
}

export function addressText({ host, port }: Address): string {
  return host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`;
}
