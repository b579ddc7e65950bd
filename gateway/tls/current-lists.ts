import type { Authorities } from './authorities.ts';
import { isSignedBy } from './list-signature.ts';
import { parseRevocationLists, type ReadList } from './read-files.ts';
import { TlsError } from './tls-error.ts';

/** A revocation list that one of the authorities has signed, and whose time is now. */
export interface CurrentList extends ReadList {
  /** Id of the authority's certificate. */
  readonly authorityId: string;
}

/** How far the lists of an authority have come: the next one may not fall behind. */
export type ListState = Pick<CurrentList, 'number' | 'thisUpdateMs'>;
/** By authority. */
export type ListStates = ReadonlyMap<string, ListState>;

/**
 * Reads revocation lists. They cut sessions and keep devices out, so they must come from an authority, whoever can write
 * the file, or answers for the address.
 *
 * @param path of the file, or address.
 * @param leewayMs how far a list may be from the future. OpenSSL refuses every certificate until its time has come.
 * @throws {TlsError}
 */
export function currentLists(
  pem: string,
  path: string,
  authorities: Authorities,
  nowMs: number,
  leewayMs: number,
): readonly CurrentList[] {
  const lists = parseRevocationLists(pem, path);
  return lists.map((list) => {
    refuseUntimely(list, path, nowMs, leewayMs);
    const { issuerId, signature } = list;
    const authorityId = authorities.signerOf(issuerId, (key) => isSignedBy(signature, key));
    if (authorityId !== undefined) return { ...list, authorityId };
    const message = `revocation list ${path} is signed by no authority of clientCaFile: put the certificate of its issuer there, intermediate authorities included (RSA, ECDSA or EdDSA, SHA-256 or better), or fetch the right list`;
    throw new TlsError('tls_crl_untrusted', message);
  });
}

/** With a list that is out of date every handshake with a certificate fails: better not to begin with it. */
function refuseUntimely({ thisUpdateMs, nextUpdateMs }: ReadList, path: string, nowMs: number, leewayMs: number): void {
  if (nextUpdateMs !== undefined && nextUpdateMs <= nowMs) {
    const at = new Date(nextUpdateMs).toISOString();
    throw new TlsError('tls_crl_expired', `revocation list ${path} was good until ${at}: fetch the present one`);
  }
  if (thisUpdateMs > nowMs + leewayMs) {
    const at = new Date(thisUpdateMs).toISOString();
    const message = `revocation list ${path} is good from ${at}, which is still to come: set the clocks of this machine and of the authority`;
    throw new TlsError('tls_crl_premature', message);
  }
}

/** The latest list of each authority. */
export function statesOf(lists: readonly CurrentList[]): ListStates {
  const states = new Map<string, CurrentList>();
  for (const list of lists) {
    const other = states.get(list.authorityId);
    if (other === undefined || isBehind(other, list)) states.set(list.authorityId, list);
  }
  return new Map([...states].map(([id, { number, thisUpdateMs }]) => [id, { number, thisUpdateMs }]));
}

/** Who was revoked since an earlier list would be let in again by it. @throws {TlsError} */
export function refuseOlder(states: ListStates, before: ListStates): void {
  for (const [authorityId, state] of states) {
    const former = before.get(authorityId);
    if (former === undefined || !isBehind(state, former)) continue;
    const message = `a revocation list in crlFiles (number ${state.number ?? 'none'}) is older than the one of the same authority that applies (${former.number ?? 'none'}): fetch the present one`;
    throw new TlsError('tls_crl_older', message);
  }
}

const isBehind = (one: ListState, other: ListState): boolean =>
  one.number !== undefined && other.number !== undefined
    ? one.number < other.number
    : one.thisUpdateMs < other.thisUpdateMs;
