import { Buffer } from 'node:buffer';
import { parseRevocationLists } from './read-files.ts';
import { TlsError } from './tls-error.ts';

export interface FetchLimits {
  /** From the request to the last byte of the answer. */
  readonly timeoutMs: number;
  readonly maxBytes: number;
  /** Gives up. */
  readonly closing: AbortSignal;
}

/**
 * Fetches the revocation lists of an address, in PEM or, as authorities mostly publish one (RFC 5280, section 4.2.1.13),
 * in DER. They are signed: who may change them on the way can only withhold them.
 *
 * @returns PEM that was looked into.
 * @throws {TlsError} `tls_crl_unreachable`, `tls_file_invalid`.
 */
export async function fetchRevocationLists(url: string, limits: FetchLimits): Promise<string> {
  const name = nameOf(url);
  const body = await fetchBounded(url, name, limits);
  const text = body.toString('latin1');
  const pem = text.includes('-----BEGIN ') ? text : toPem(body);
  parseRevocationLists(pem, name);
  return pem;
}

/** Without the query, in which somebody may have put a secret. */
export function nameOf(url: string): string {
  const { origin, pathname } = new URL(url);
  return origin + pathname;
}

const toPem = (der: Buffer): string =>
  `-----BEGIN X509 CRL-----\n${der.toString('base64').replace(/.{64}/g, '$&\n')}\n-----END X509 CRL-----\n`;

async function fetchBounded(url: string, name: string, { timeoutMs, maxBytes, closing }: FetchLimits): Promise<Buffer> {
  try {
    const signal = AbortSignal.any([AbortSignal.timeout(timeoutMs), closing]);
    // Whoever can answer for the address must not be able to send the gateway to another one.
    const response = await fetch(url, { redirect: 'error', signal });
    if (response.status !== 200) {
      await response.body?.cancel();
      throw unreachable(name, `answered ${response.status}`);
    }
    const chunks: Uint8Array[] = [];
    let bytes = 0;
    for await (const chunk of response.body ?? []) {
      bytes += chunk.byteLength;
      // Leaving the loop cancels the answer.
      if (bytes > maxBytes) throw unreachable(name, `more than crlMaxBytes (${maxBytes})`);
      chunks.push(chunk);
    }
    return Buffer.concat(chunks);
  } catch (error) {
    if (error instanceof TlsError) throw error;
    throw unreachable(name, reasonOf(error, timeoutMs));
  }
}

const unreachable = (name: string, problem: string): TlsError =>
  new TlsError('tls_crl_unreachable', `revocation list ${name} can't be fetched: ${problem}`);

/** fetch says only "fetch failed"; the reason is its cause. */
function reasonOf(error: unknown, timeoutMs: number): string {
  if (!(error instanceof Error)) return String(error);
  if (error.name === 'TimeoutError') return `no answer within ${timeoutMs} ms`;
  const { cause } = error;
  if (!(cause instanceof Error)) return error.message;
  return cause.message || String((cause as NodeJS.ErrnoException).code ?? error.message);
}
