/** Why a header of the PROXY protocol, or its absence, has closed a connection. */
export const proxyRefusals = [
  /** The peer is none of the load balancers that may speak for others. */
  'not_allowed',
  /** Too many others are waited for. */
  'too_many',
  /** Not complete in time. */
  'timeout',
  /** The peer went away. */
  'aborted',
  /** What came was no such header. */
  'signature',
  /** The text of version 1. */
  'text_version',
  'version',
  'command',
  /** No TCP over IPv4 or IPv6: nobody could say whom the connection is from. */
  'family',
  /** Too short for its addresses. */
  'length',
  'too_long',
  /** An extension that is longer than the header, or a checksum that has the wrong size or comes twice. */
  'extension',
  'checksum',
] as const;
export type ProxyRefusal = (typeof proxyRefusals)[number];

/** Why an HTTP request did not become a WebSocket. */
export const upgradeRefusals = [
  'too_many',
  /** Not complete in time. */
  'timeout',
  /** The peer went away. */
  'aborted',
  /** An ordinary request. */
  'no_upgrade',
  'path',
  /** It comes from a web page that is not allowed to. */
  'origin',
  /** `mqtt` is not among the subprotocols that are offered. */
  'subprotocol',
  /** No HTTP, too many headers, or not the handshake of RFC 6455. */
  'bad_request',
] as const;
export type UpgradeRefusal = (typeof upgradeRefusals)[number];

/** Told of what happens between accept and the first byte of MQTT. Must not block or throw. */
export interface TransportObserver {
  /** @param spokenFor whether the header names another peer, and is not the balancer's own check of health. */
  proxyHeaderTaken(listener: string, spokenFor: boolean): void;
  /** @param remoteAddress of the peer itself. */
  proxyHeaderRefused(listener: string, reason: ProxyRefusal, remoteAddress: string | undefined): void;
  upgraded(listener: string): void;
  upgradeRefused(listener: string, reason: UpgradeRefusal, remoteAddress: string | undefined): void;
}
