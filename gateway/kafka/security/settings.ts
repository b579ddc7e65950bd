/** TLS towards brokers. Texts that are empty are not set. */
export interface TlsSettings {
  readonly enabled: boolean;
  /** PEM: the authorities that brokers' certificates may come from; empty: those that Node knows. */
  readonly caFile: string;
  /** PEM: the client's own certificate with its chain, and its key, for mutual TLS. */
  readonly certFile: string;
  readonly keyFile: string;
  /** The name that the brokers' certificates must hold; empty: the host that is connected to. */
  readonly serverName: string;
}

/** IAM of Amazon's managed Kafka (MSK): tokens are signed here, with credentials that AWS's default chain finds. */
export interface AwsMskSettings {
  /** Of the cluster; empty: no IAM. */
  readonly region: string;
  /** Role to take on for it; empty: none. Only one of the two may be set. */
  readonly roleArn: string;
  /** Profile of AWS's files of settings; empty: the chain decides. */
  readonly profile: string;
}

/** Where bearer tokens come from: a file that somebody else renews, a token endpoint, or IAM. */
export interface OauthSettings {
  readonly tokenFile: string;
  readonly tokenEndpoint: string;
  readonly clientId: string;
  readonly clientSecret: string;
  readonly clientSecretFile: string;
  readonly scope: string;
  readonly awsMsk: AwsMskSettings;
}

/** PLAIN (RFC 4616), SCRAM (RFC 5802, RFC 7677), OAUTHBEARER (RFC 7628); `none`: no login. */
export type SaslMechanism = 'none' | 'PLAIN' | 'SCRAM-SHA-256' | 'SCRAM-SHA-512' | 'OAUTHBEARER';

export interface SaslSettings {
  readonly mechanism: SaslMechanism;
  readonly userName: string;
  readonly password: string;
  /** Only one of the two may be set. */
  readonly passwordFile: string;
  readonly oauth: OauthSettings;
}

/** How a client of Kafka proves who it is, and how it makes sure whom it talks to. */
export interface SecuritySettings {
  readonly tls?: TlsSettings | undefined;
  readonly sasl?: SaslSettings | undefined;
}
