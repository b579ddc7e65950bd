import { Buffer } from 'node:buffer';
import type { ListenerOptions } from './context.ts';
import type { Properties } from './decode/properties.ts';

/**
 * The authentication method that is offered where tokens are taken (5.0, section 4.12). Its authentication data is the
 * token, and the exchange is over with it: the server never asks for more.
 */
export const tokenMethod = 'JWT';

export const takesTokens = ({ credentials }: ListenerOptions): boolean => credentials !== 'secret';

/** The token of a packet; a copy, as checking it takes longer than the packet lives. */
export const tokenOf = ({ authenticationData }: Properties): Buffer | undefined =>
  authenticationData === undefined ? undefined : Buffer.from(authenticationData);
