/** How fast something may begin, over all and for each address. */
export interface BeginLimits {
  readonly perSecond: number;
  readonly burst: number;
  readonly perSecondPerAddress: number;
  readonly burstPerAddress: number;
}

export interface HandshakeLimits extends BeginLimits {
  /** What a resumed session costs, in percent of a full handshake. */
  readonly resumedCostPercent: number;
  /** How many may wait for their turn. */
  readonly queueMax: number;
}

export interface ConnectLimits extends BeginLimits {
  readonly perSecondPerDevice: number;
  readonly burstPerDevice: number;
}

export interface BanLimits {
  readonly enabled: boolean;
  /** How long a ban lasts. */
  readonly seconds: number;
  /** How long failures count together. */
  readonly windowSeconds: number;
  /** Failures of one name from one address after which that pair is banned. */
  readonly failuresPerLogin: number;
  /** Different names by which logins may fail from one address beyond those that succeed, before it is banned. */
  readonly namesPerAddress: number;
  /** How long an address counts as that of a device which logged in from it. */
  readonly knownForSeconds: number;
  /** Sockets that are accepted from a banned address that no device has logged in from. */
  readonly socketsPerSecond: number;
}

/** All about who is let in. */
export interface AdmissionLimits {
  readonly handshakes: HandshakeLimits;
  readonly connects: ConnectLimits;
  readonly connections: {
    /** 0: as many as there may be at all. */
    readonly perAddress: number;
    readonly perDevice: number;
  };
  readonly bans: BanLimits;
  /** Addresses, devices, failures and bans that are remembered, each. */
  readonly maxTracked: number;
}
