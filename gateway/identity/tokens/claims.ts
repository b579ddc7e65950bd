import { errors, type JWTPayload } from 'jose';
import { type AgreementRules, agrees, type Claimant } from '../agreement.ts';
import { isUsableId } from '../device.ts';
import type { TokenRejection } from './observer.ts';

export interface ClaimRules extends AgreementRules {
  /** The claim that names the device. */
  readonly deviceClaim: string;
  readonly clockToleranceSeconds: number;
  readonly maxLifetimeSeconds: number;
}

export type Subject =
  | { readonly deviceId: string /** Milliseconds since the epoch. */; readonly expiresAtMs: number }
  | { readonly rejected: TokenRejection };

/** Whose token it is and until when, of claims whose signature, issuer, audience and times were found right. */
export function subjectOf(claims: JWTPayload, rules: ClaimRules, claimant: Claimant, nowMs: number): Subject {
  const { exp, iat } = claims;
  if (exp === undefined) return { rejected: 'no_expiry' };
  const nowSeconds = nowMs / 1000;
  if (iat !== undefined && iat > nowSeconds + rules.clockToleranceSeconds) return { rejected: 'not_yet_valid' };
  // Also of a token that does not say when it was issued: then it was now, at the latest.
  const lifetimeSeconds = exp - Math.min(iat ?? nowSeconds, nowSeconds);
  if (lifetimeSeconds > rules.maxLifetimeSeconds) return { rejected: 'lifetime_too_long' };
  const deviceId = Object.hasOwn(claims, rules.deviceClaim) ? claims[rules.deviceClaim] : undefined;
  if (typeof deviceId !== 'string' || !isUsableId(deviceId)) return { rejected: 'no_device' };
  if (!agrees(deviceId, rules, claimant)) return { rejected: 'wrong_device' };
  return { deviceId, expiresAtMs: endSeconds(exp, nowSeconds, rules) * 1000 };
}

/** The leeway is for clocks that differ at CONNECT; who came in time is not given more than the token says. */
const endSeconds = (exp: number, nowSeconds: number, { clockToleranceSeconds }: ClaimRules): number =>
  exp > nowSeconds ? exp : exp + clockToleranceSeconds;

/** Classifies whatever the verification of a JWT has thrown; total. */
export function rejectionOf(error: unknown): TokenRejection {
  if (error instanceof errors.JWTExpired) return 'expired';
  if (error instanceof errors.JWSSignatureVerificationFailed) return 'bad_signature';
  if (error instanceof errors.JWTClaimValidationFailed) return rejectionOfClaim[error.claim] ?? 'malformed';
  return 'malformed';
}

const rejectionOfClaim: Readonly<Record<string, TokenRejection | undefined>> = {
  iss: 'wrong_issuer',
  aud: 'wrong_audience',
  exp: 'no_expiry',
  nbf: 'not_yet_valid',
};
