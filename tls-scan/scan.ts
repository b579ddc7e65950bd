import { type Check, check } from './check.ts';
import { askHello, type WireVersion } from './hello.ts';
import { isNotOffered, type OpenSsl, type ScanTarget, suiteOf } from './openssl.ts';
import { protocols } from './protocols.ts';

const anySuite = ['-cipher', 'ALL:COMPLEMENTOFALL:@SECLEVEL=0'];
/** Ephemeral keys on curves, and ciphers that authenticate what they encrypt (RFC 9325, section 4.2). */
const soundSuite = /^ECDHE-(ECDSA|RSA)-(AES(128|256)-GCM-SHA(256|384)|CHACHA20-POLY1305)$/;
const suites13 = [
  'TLS_AES_128_GCM_SHA256',
  'TLS_AES_256_GCM_SHA384',
  'TLS_CHACHA20_POLY1305_SHA256',
  'TLS_AES_128_CCM_SHA256',
  'TLS_AES_128_CCM_8_SHA256',
];
const soundSuites13 = new Set(suites13.slice(0, 3));
const atOnce = 4;

/**
 * Everything that a security review asks of a TLS listener, by clients that are not the server's own library.
 *
 * @param protocol that it is to agree on; undefined: none.
 */
export async function scanTls(target: ScanTarget, openSsl: OpenSsl, protocol: string | undefined): Promise<Check[]> {
  return [
    ...(await oldHellos(target)),
    await compression(target),
    await oldVersion(target, openSsl, 'TLS 1.0', '-tls1'),
    await oldVersion(target, openSsl, 'TLS 1.1', '-tls1_1'),
    await version(target, openSsl, 'TLS 1.2', '-tls1_2'),
    await version(target, openSsl, 'TLS 1.3', '-tls1_3'),
    await suites(target, openSsl),
    await suitesOf13(target, openSsl),
    await renegotiation(target, openSsl),
    ...(await protocols(target, openSsl, protocol)),
  ];
}

/** What remains when there is no OpenSSL: a ClientHello of our own, and a list of what nobody has looked at. */
export async function scanWithoutOpenSsl(target: ScanTarget): Promise<Check[]> {
  const left = ['versions by a library', 'suites, one by one', 'renegotiation', 'ALPN'];
  return [
    ...(await oldHellos(target)),
    await compression(target),
    ...left.map((what) => ({ what, result: 'not run', seen: 'there is no openssl program' }) as const),
  ];
}

async function oldHellos({ host, port }: ScanTarget): Promise<Check[]> {
  const checks: Check[] = [];
  for (const old of ['SSLv3', 'TLSv1.0', 'TLSv1.1'] as const satisfies readonly WireVersion[]) {
    const answer = await askHello(host, port, old);
    const seen = answer.kind === 'alert' ? `alert ${answer.description}` : answer.kind;
    checks.push(check(`ClientHello of ${old} is refused`, answer.kind !== 'hello', seen));
  }
  return checks;
}

async function compression({ host, port }: ScanTarget): Promise<Check> {
  const what = 'compression is not taken when it is offered';
  const answer = await askHello(host, port, 'TLSv1.2');
  if (answer.kind !== 'hello') return { what, result: 'not run', seen: `no ServerHello of TLS 1.2 (${answer.kind})` };
  return check(what, answer.compression === 0, `method ${answer.compression}`);
}

async function oldVersion(target: ScanTarget, openSsl: OpenSsl, name: string, flag: string): Promise<Check> {
  const what = `${name} is refused`;
  const output = await openSsl.connect(target, [flag, ...anySuite]);
  const suite = suiteOf(output);
  if (suite !== undefined) return check(what, false, `it was spoken, with ${suite}`);
  if (isNotOffered(output)) return { what, result: 'not run', seen: 'this openssl does not offer it' };
  return check(what, true, /alert [a-z ]+/i.exec(output)?.[0] ?? 'closed');
}

async function version(target: ScanTarget, openSsl: OpenSsl, name: string, flag: string): Promise<Check> {
  const suite = suiteOf(await openSsl.connect(target, [flag]));
  // A listener may leave TLS 1.2 out; one that speaks neither is found by its suites.
  return check(`${name}`, true, suite === undefined ? 'not spoken' : `spoken, with ${suite}`);
}

async function suites(target: ScanTarget, openSsl: OpenSsl): Promise<Check> {
  const all = await openSsl.suites();
  const taken = await takenOf(all, (name) => openSsl.connect(target, ['-tls1_2', '-cipher', `${name}:@SECLEVEL=0`]));
  const unsound = taken.filter((name) => !soundSuite.test(name));
  const seen = unsound.length > 0 ? `unsound: ${unsound.join(' ')}` : `${taken.length} taken: ${taken.join(' ')}`;
  return check(`of ${all.length} suites of TLS 1.2, only ECDHE with AEAD`, unsound.length === 0, seen);
}

async function suitesOf13(target: ScanTarget, openSsl: OpenSsl): Promise<Check> {
  const taken = await takenOf(suites13, (name) => openSsl.connect(target, ['-tls1_3', '-ciphersuites', name]));
  const isGood = taken.length > 0 && taken.every((name) => soundSuites13.has(name));
  return check(`of ${suites13.length} suites of TLS 1.3, only those with tags of full length`, isGood, taken.join(' '));
}

/** Which of these suites a handshake ends with, each offered alone. */
async function takenOf(names: readonly string[], offer: (name: string) => Promise<string>): Promise<string[]> {
  const taken = new Set<string>();
  let next = 0;
  const run = async (): Promise<void> => {
    for (let name = names[next++]; name !== undefined; name = names[next++]) {
      if (suiteOf(await offer(name)) === name) taken.add(name);
    }
  };
  await Promise.all(Array.from({ length: atOnce }, run));
  return names.filter((name) => taken.has(name));
}

async function renegotiation(target: ScanTarget, openSsl: OpenSsl): Promise<Check> {
  const what = 'a client cannot renegotiate';
  // s_client begins a new handshake at the letter R, and says so.
  const output = await openSsl.connect(target, ['-tls1_2'], 'R\n');
  if (suiteOf(output) === undefined) return { what, result: 'not run', seen: 'TLS 1.2 is not spoken' };
  const [, after] = output.split('RENEGOTIATING');
  if (after === undefined) return { what, result: 'not run', seen: 'this openssl did not try' };
  const isRefused = /no renegotiation|alert|unexpected eof|errno/i.test(after);
  return check(what, isRefused, isRefused ? 'refused' : 'a second handshake was begun');
}
