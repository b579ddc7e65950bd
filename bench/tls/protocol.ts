/** Connections that stay, and say nothing more. */
export interface IdleRequest {
  readonly kind: 'idle';
  readonly port: number;
  readonly connections: number;
  /** Send CONNECT as the certificate's device, and wait for CONNACK. */
  readonly speaksMqtt: boolean;
}

/** Connections that are closed as soon as their handshake is done. */
export interface HandshakeRequest {
  readonly kind: 'handshakes';
  readonly port: number;
  readonly count: number;
  readonly resumed: boolean;
  /** Whose CPU time is read before and behind them. */
  readonly serverPid: number;
}

/** What the benchmark asks of its load process, one at a time. */
export type TlsRequest = IdleRequest | HandshakeRequest;

/** Of all of them together. */
export interface HandshakeCost {
  readonly cpuUs: number;
  readonly seconds: number;
}

/** Each request is answered by exactly one of these. */
export type TlsReply =
  | { readonly kind: 'done' }
  | { readonly kind: 'measured'; readonly cost: HandshakeCost }
  | { readonly kind: 'failed'; readonly message: string };
