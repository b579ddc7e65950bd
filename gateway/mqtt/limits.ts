/** What the MQTT edge grants to one connection and to all of them. */
export interface MqttLimits {
  /** Largest control packet taken, fixed header included; announced in CONNACK (5.0). */
  readonly maxPacketBytes: number;
  /**
   * Largest CONNECT taken, where that is less: until then anybody can have the gateway gather one per socket, and wills
   * are kept for as long as their sessions.
   */
  readonly maxConnectBytes: number;
  /** Time from accept to a complete CONNECT, and again from CONNECT to the answer of authentication. */
  readonly connectTimeoutMs: number;
  readonly maxConnections: number;
  /** Longest keep-alive granted in 5.0; who asks for more, or for none, gets this one (Server Keep Alive). */
  readonly maxKeepAliveSeconds: number;
  /** QoS 1 and 2 publishes in flight per connection, announced in CONNACK (5.0); more is a violation. */
  readonly receiveMaximum: number;
  /** The same for 3.1.1, which has no receive maximum: at this many unanswered publishes reading stops. */
  readonly maxInFlightPerConnection: number;
  /**
   * At most this many of either for a connection that is opened under pressure, for as long as it lasts; announced in 5.0.
   * Who sends more is not read further: not every client minds it.
   */
  readonly receiveMaximumUnderPressure: number;
  /** Payload bytes of unanswered publishes at which a connection is not read further. */
  readonly maxInFlightBytes: number;
  /** Packets of one connection that are handled in a row, a quarter of them under pressure; then every other connection has its turn. */
  readonly maxPacketsPerTurn: number;
  /**
   * Bytes of packets that are still arriving, over all connections. Beyond it the connection that holds most of them is
   * closed: half a packet renews no keep-alive, and thousands of them would fill the memory.
   */
  readonly maxPartialBytes: number;
  readonly topicAliasMaximum: number;
  /** Longest life of a session without a connection; also that of every persistent session of 3.1.1. */
  readonly maxSessionExpirySeconds: number;
  /** Sessions kept, connected or not. Beyond it the session that has been away longest is dropped. */
  readonly maxSessions: number;
  /** Bytes that wait for a device that does not read; more closes the connection. */
  readonly maxOutgoingBytes: number;
  readonly maxSubscriptionsPerSession: number;
  readonly maxClientIdBytes: number;
  /** Where MQTT 5 devices are sent when the gateway is busy, as Server Reference; empty: they are told that it is. */
  readonly overloadReference: string;
}

export const defaultLimits: MqttLimits = {
  maxPacketBytes: 262_144,
  maxConnectBytes: 16_384,
  connectTimeoutMs: 10_000,
  maxConnections: 20_000,
  maxKeepAliveSeconds: 1_200,
  receiveMaximum: 64,
  maxInFlightPerConnection: 64,
  receiveMaximumUnderPressure: 8,
  maxInFlightBytes: 1_048_576,
  maxPacketsPerTurn: 64,
  maxPartialBytes: 67_108_864,
  topicAliasMaximum: 16,
  maxSessionExpirySeconds: 86_400,
  maxSessions: 100_000,
  maxOutgoingBytes: 65_536,
  maxSubscriptionsPerSession: 32,
  maxClientIdBytes: 256,
  overloadReference: '',
};
