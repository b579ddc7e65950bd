/**
 * What a device's token may be signed with (RFC 7518, RFC 8037, RFC 9864): signatures that are made with a private key and
 * checked with a public one, nothing else. HMAC is not among them: whoever can check it can sign, and beside public keys it
 * invites tokens that are "signed" with the bytes of one. Nor is `none`.
 */
export const tokenAlgorithms = ['ES256', 'ES384', 'RS256', 'PS256', 'EdDSA', 'Ed25519'] as const;
export type TokenAlgorithm = (typeof tokenAlgorithms)[number];

export const defaultTokenAlgorithms: readonly TokenAlgorithm[] = ['ES256', 'RS256', 'PS256', 'EdDSA'];
