/** A device's session while it is connected. */
export interface SessionFacts {
  /** Opaque; the same whenever this device connects with this client identifier. */
  readonly id: string;
  readonly clientId: string;
  readonly deviceId: string;
  readonly kind: string;
  readonly boundTo: string;
  /** Those that it is judged by: what its device had when it connected. */
  readonly groups: readonly string[];
  readonly listener: string;
  /** Undefined when the peer has just gone. */
  readonly remoteAddress: string | undefined;
  readonly version: '3.1.1' | '5.0';
  /** Milliseconds since the epoch. */
  readonly connectedAtMs: number;
  /** QoS 1 and 2 publishes that are not answered for good. */
  readonly inFlight: number;
  readonly subscriptionCount: number;
}

export interface SessionDetails extends SessionFacts {
  readonly keepAliveSeconds: number;
  /** How many publishes the device may have in flight. */
  readonly receiveMaximum: number;
  /** How long the session outlives the connection. */
  readonly expirySeconds: number;
  readonly hasWill: boolean;
  /** Not read at the moment, under pressure. */
  readonly isPaused: boolean;
  /** Payload bytes of the publishes without an answer. */
  readonly unansweredBytes: number;
  readonly subscriptions: readonly { readonly filter: string; readonly qos: number }[];
}

export interface SessionPageWish {
  /** Id of the last session that was seen; empty: from the beginning. */
  readonly after: string;
  readonly limit: number;
  readonly deviceId?: string | undefined;
}

/** The connected sessions of the MQTT edge. */
export interface LiveSessions {
  page(wish: SessionPageWish): { readonly sessions: readonly SessionFacts[]; readonly next: string | undefined };
  find(id: string): SessionDetails | undefined;
  /** Tells the device (MQTT 5: 0x98) and closes. @returns whether there was such a session. */
  disconnect(id: string): boolean;
}
