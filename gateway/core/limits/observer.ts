/** Why somebody was kept out, or held back. */
export const limitRefusals = [
  /** Closed at accept: the address is banned, and no device has logged in from it lately. */
  'address_banned',
  /** Closed at accept: far more sockets than an address may have connections. */
  'address_sockets',
  /** Closed before the handshake: more of them than an address may begin. */
  'address_handshakes',
  /** Closed before the handshake: too many others wait, or most of those that do come from this address. */
  'handshake_queue',
  /** Closed before the handshake: it has sent more than a ClientHello while it waited. */
  'handshake_bytes',
  /** Closed before the handshake: it has waited for so long that it must have given up. */
  'handshake_wait',
  /** CONNECTs: more than the gateway takes, an address or a device may send. */
  'connects',
  'address_connects',
  'device_connects',
  /** Connections of one address, of one device. */
  'address_connections',
  'device_connections',
  /** No hash is computed for the login: it, or its address, has failed too often. */
  'login_banned',
] as const;
export type LimitRefusal = (typeof limitRefusals)[number];

/** What a ban is about: an address, or a name together with the address that it was tried from; never a name alone. */
export const banKinds = ['address', 'login'] as const;
export type BanKind = (typeof banKinds)[number];

/** Told of every limit that was reached. Must not block or throw. */
export interface LimitsObserver {
  /** @param address as it is counted, see `addressKey`. */
  refused(reason: LimitRefusal, address: string): void;
  banned(kind: BanKind, address: string): void;
  /** A device sends more than it may, and is not read for a while. */
  slowed(deviceId: string): void;
}
