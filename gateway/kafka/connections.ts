import { TLSSocket } from 'node:tls';
import { Connection } from '@platformatic/kafka';
import { accessFailureOf, KafkaAccessError } from './security/access-failure.ts';
import { secureOptions } from './security/connection-options.ts';
import type { SecuritySettings } from './security/settings.ts';
import type { KafkaSettings } from './settings.ts';

const longestConnectMs = 10_000;
/** A connection that nothing came over for so long is probed. */
const keepAliveMs = 30_000;

/** What was heard first of a connection that fails; the callbacks of its requests may only say that it was closed. */
const firstErrors = new WeakMap<Connection, Error>();

function heard(connection: Connection, error: Error): void {
  if (!firstErrors.has(connection)) firstErrors.set(connection, error);
}

/** Who connects, and how. */
export type ConnectionSettings = SecuritySettings & Pick<KafkaSettings, 'clientId' | 'maxRequestsInFlightPerBroker'>;

/**
 * Makes a connection to a broker, to be opened by `openConnection`. Connecting may not take longer than a request, nor
 * than 10 s. Certificates and keys are read now: who connects again uses those of that time.
 *
 * @throws {KafkaAccessError} `credentials_unreadable`
 */
export function newConnection(settings: ConnectionSettings, { host }: Address, requestTimeoutMs: number): Connection {
  const { clientId, maxRequestsInFlightPerBroker } = settings;
  const connectTimeout = Math.min(requestTimeoutMs, longestConnectMs);
  const connection = new Connection(clientId, {
    connectTimeout,
    requestTimeout: requestTimeoutMs,
    maxInflights: maxRequestsInFlightPerBroker,
    ...secureOptions(settings, [host], connectTimeout),
  });
  // Failures are learnt from callbacks and from 'close'; without a listener the event would end the process.
  connection.on('error', (error) => heard(connection, error));
  // One that a firewall or a dead host has forgotten is noticed while it is idle, not by the next batch.
  connection.on('connect', () => connection.socket.setKeepAlive(true, keepAliveMs));
  return connection;
}

/** Connects, and logs in where that is wanted. `done` is called once. @throws what a connection cannot begin with. */
export function openConnection(
  connection: Connection,
  { host, port }: Address,
  done: (error: Error | null) => void,
): void {
  void connection.connect(host, port, (error) => done(error));
  if (connection.socket instanceof TLSSocket) return;
  connection.socket.once('data', (chunk: Buffer) => {
    // A client without TLS is told so by an alert, which the library sees, too, but does not tell whoever logs in.
    if (isTlsAlert(chunk)) heard(connection, new KafkaAccessError('tls_required', 'it answered in TLS'));
  });
}

/** `openConnection` for those who wait for it. @throws why it failed, see `causeOf`. */
export async function opened(connection: Connection, address: Address): Promise<void> {
  const open = Promise.withResolvers<void>();
  openConnection(connection, address, (error) => (error === null ? open.resolve() : open.reject(error)));
  await open.promise;
}

/** An alert record of TLS 1.x (RFC 8446, section 5.1). No answer of Kafka begins like this: it would have 352 MiB. */
const isTlsAlert = (chunk: Buffer): boolean => chunk[0] === 0x15 && chunk[1] === 0x03;

/**
 * Why a connection failed: the error at hand, or what was heard first, when that is about access. A broker that refuses a
 * client's certificate does so after the client's side of the handshake (TLS 1.3), when requests are under way already.
 */
export function causeOf(connection: Connection | undefined, error: unknown): unknown {
  const first = connection === undefined ? undefined : firstErrors.get(connection);
  return accessFailureOf(first) === undefined ? error : first;
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
