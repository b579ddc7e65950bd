import { readFile, stat } from 'node:fs/promises';
import { TokenKeysError } from './keys-error.ts';

/** Where the key set is; one of the two is empty. */
export interface KeySource {
  readonly file: string;
  readonly url: string;
  /** From the request to the last byte of the answer. */
  readonly timeoutMs: number;
  readonly maxBytes: number;
}

/** Reads the key set as text. @throws {TokenKeysError} */
export async function readKeySource(source: KeySource): Promise<string> {
  const { file, url, timeoutMs } = source;
  const name = file === '' ? nameOf(url) : file;
  try {
    return file === '' ? await fetchBounded(source, name) : await readBounded(source, name);
  } catch (error) {
    if (error instanceof TokenKeysError) throw error;
    throw new TokenKeysError('keys_unreadable', `${name}: ${reasonOf(error, timeoutMs)}`, error);
  }
}

/** Without the query, in which somebody may have put a secret. */
function nameOf(url: string): string {
  const { origin, pathname } = new URL(url);
  return origin + pathname;
}

/** Nothing but a regular file: a pipe would be waited for without end, and tells no size. */
async function readBounded({ file, maxBytes }: KeySource, name: string): Promise<string> {
  const found = await stat(file);
  if (!found.isFile()) throw new TokenKeysError('keys_unreadable', `${name}: not a file`);
  if (found.size > maxBytes) throw tooLarge(name, maxBytes);
  return await readFile(file, 'utf8');
}

async function fetchBounded({ url, timeoutMs, maxBytes }: KeySource, name: string): Promise<string> {
  const response = await fetch(url, {
    headers: { accept: 'application/jwk-set+json, application/json' },
    // Whoever can answer for the address must not be able to send the gateway to another one, perhaps in plain text.
    redirect: 'error',
    signal: AbortSignal.timeout(timeoutMs),
  });
  if (response.status !== 200) {
    await response.body?.cancel();
    throw new TokenKeysError('keys_unreadable', `${name}: answered ${response.status}`);
  }
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  for await (const chunk of response.body ?? []) {
    bytes += chunk.byteLength;
    // Leaving the loop cancels the answer. Counted here, behind the decompression.
    if (bytes > maxBytes) throw tooLarge(name, maxBytes);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('utf8');
}

const tooLarge = (name: string, maxBytes: number): TokenKeysError =>
  new TokenKeysError('keys_too_large', `${name}: more than identity.tokens.maxJwksBytes (${maxBytes})`);

/** fetch says only "fetch failed"; the reason is its cause. */
function reasonOf(error: unknown, timeoutMs: number): string {
  if (!(error instanceof Error)) return String(error);
  if (error.name === 'TimeoutError') return `no answer within ${timeoutMs} ms`;
  const { cause } = error;
  if (!(cause instanceof Error)) return error.message;
  return cause.message || String((cause as NodeJS.ErrnoException).code ?? error.message);
}
