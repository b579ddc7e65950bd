import type { Connection } from './connection.ts';
import type { AuthRefusal, AuthResult, Credentials } from './context.ts';
import { type ReasonCode, reasonCodes } from './reason-codes.ts';

/** Asks who sends these credentials. Never rejects. */
export async function authenticate(connection: Connection, credentials: Credentials): Promise<AuthResult> {
  try {
    return await connection.context.options.authenticate(credentials);
  } catch (error) {
    connection.context.observer.internalError(connection, error);
    return { refused: 'server_unavailable' };
  }
}

export const codeOfRefusal: Readonly<Record<AuthRefusal, ReasonCode>> = {
  bad_credentials: reasonCodes.badUserNameOrPassword,
  not_authorized: reasonCodes.notAuthorized,
  server_unavailable: reasonCodes.serverUnavailable,
  server_busy: reasonCodes.serverBusy,
  rate_exceeded: reasonCodes.connectionRateExceeded,
};
