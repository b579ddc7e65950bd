import type { ReasonCode } from './reason-codes.ts';

/** Why a packet or an exchange breaks the standard. A value, never thrown; ends the connection it came over. */
export interface Violation {
  readonly code: ReasonCode;
  /** For people: which field of which packet. Never a secret, never a payload. */
  readonly detail: string;
}
