import type { FastifyRequest } from 'fastify';
import type { AuditDetail, AuditEntry } from './audit/audit-record.ts';
import type { Denial } from './observer.ts';
import type { AdministrationOptions } from './options.ts';
import { Problem } from './problem.ts';
import { addressOf, marksOf, requestLine, stateOf } from './request-state.ts';
import { allows, type Scope } from './scopes.ts';
import { type Authentication, authenticate } from './tokens/authenticate.ts';

type GuardOptions = Pick<AdministrationOptions, 'findToken' | 'trail' | 'observer' | 'now'>;
type Refused = Extract<Authentication, { readonly refused: string }>;

const retryAfterSeconds = '60';

/**
 * Lets a request pass, before anything of its body is read, or throws the `Problem` that it is answered with. Where no route
 * says otherwise, nobody passes without a token: whoever has none does not even learn what there is.
 *
 * Who has failed often from one address is told so, and closed; but a good token passes from there, too. Nobody guesses one,
 * so the limit is for what a flood costs, and must not become a way to lock out those who share an address.
 */
export function guardOf({ findToken, trail, observer, now }: GuardOptions): (request: FastifyRequest) => Promise<void> {
  const deny = async (request: FastifyRequest, refused: Refused, status: number): Promise<boolean> => {
    observer.denied(refused.refused, addressOf(request));
    return trail.denied(denialEntry(request, refused.refused, status, refused));
  };

  const lookUp = (request: FastifyRequest): Authentication => {
    try {
      return authenticate(request.headers.authorization, findToken, now());
    } catch (error) {
      observer.failed(request.id, error);
      return { refused: 'tokens_unavailable' };
    }
  };

  return async (request) => {
    const found = lookUp(request);
    if ('refused' in found) {
      const isUnavailable = found.refused === 'tokens_unavailable';
      const isWithin = await deny(request, found, isUnavailable ? 503 : 401);
      if (isUnavailable) throw new Problem('tokens_unavailable', 'the log of the gateway says why; try again later');
      throw isWithin ? unauthorized(found) : tooMany();
    }
    stateOf(request).actor = found.actor;
    const needed = marksOf(request)?.scope;
    if (needed !== undefined) await demandScope({ trail, observer }, request, needed);
  };
}

/**
 * Throws, and leaves a record, where the token of a request that was let pass does not reach.
 *
 * @param detail for the record, of what was wanted.
 */
export async function demandScope(
  { trail, observer }: Pick<AdministrationOptions, 'trail' | 'observer'>,
  request: FastifyRequest,
  needed: Scope,
  detail: AuditDetail = {},
): Promise<void> {
  const { actor } = stateOf(request);
  if (actor !== undefined && allows(actor.scope, needed)) return;
  observer.denied('insufficient_scope', addressOf(request));
  const entry = denialEntry(request, 'insufficient_scope', 403, undefined);
  await trail.denied({ ...entry, detail: { ...entry.detail, ...detail } });
  // RFC 6750, section 3.1.
  const headers = { 'www-authenticate': `${challenge}, error="insufficient_scope", scope="${needed}"` };
  throw new Problem('insufficient_scope', `this needs a token of scope ${needed}`, { headers });
}

const challenge = 'Bearer realm="administration"';

/** RFC 6750, section 3: no error code for who has shown nothing. The same words for every other reason. */
const unauthorized = ({ refused }: Refused): Problem =>
  new Problem('no_valid_token', 'send Authorization: Bearer and a token that npm run admin-tokens has created', {
    headers: { 'www-authenticate': refused === 'no_token' ? challenge : `${challenge}, error="invalid_token"` },
  });

const tooMany = (): Problem =>
  new Problem('too_many_failures', `wait for ${retryAfterSeconds} s, or send a valid token`, {
    headers: { 'retry-after': retryAfterSeconds, connection: 'close' },
  });

function denialEntry(
  request: FastifyRequest,
  denial: Denial,
  status: number,
  refused: Refused | undefined,
): AuditEntry {
  const { actor = refused?.actor } = stateOf(request);
  return {
    requestId: request.id,
    actor,
    remoteAddress: addressOf(request),
    action: marksOf(request)?.action ?? 'request',
    target: requestLine(request),
    outcome: 'denied',
    status,
    detail: {
      reason: denial,
      ...(refused?.claimedId === undefined ? {} : { claimedTokenId: refused.claimedId }),
    },
  };
}
