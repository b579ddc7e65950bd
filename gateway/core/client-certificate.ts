/** What is kept of a device's verified certificate, for as long as its connection lasts. */
export interface ClientCertificate {
  /** Issuer and serial number: what revocation lists name it by. */
  readonly id: string;
  /** Ids of the trusted authorities that may have signed it: one, but for renewals. Left out: not known. */
  readonly issuedBy?: readonly string[];
  /** SHA-256 over the whole certificate, 64 hexadecimal digits in lower case. */
  readonly fingerprint: string;
  /** The device that it belongs to by the configured rule; undefined when it names none, or more than one. */
  readonly deviceId: string | undefined;
  /** Milliseconds since the epoch. */
  readonly validToMs: number;
}

/** The names in a certificate that a device may be recognised by. */
export interface CertificateNames {
  /** Subject alternative names of type URI, and of type DNS (RFC 5280, section 4.2.1.6). */
  readonly uris: readonly string[];
  readonly dnsNames: readonly string[];
  readonly commonNames: readonly string[];
}

/** Which of them may hold a device's id. */
export const certificateNameKinds = ['san-uri', 'san-dns', 'cn'] as const;
export type CertificateNameKind = (typeof certificateNameKinds)[number];
