import { InvalidArgumentError } from 'commander';
import { type Check, check } from './check.ts';
import { type OpenSsl, type ScanTarget, suiteOf } from './openssl.ts';

/** What clients of the gateway's listeners offer, and browsers. */
const known = ['mqtt', 'http/1.1', 'h2'];

/** Parses the value of an option: the name of a protocol as it is registered with IANA, or `none`. */
export function protocolName(text: string): string {
  if (/^[\w./-]{1,255}$/.test(text)) return text;
  throw new InvalidArgumentError('The name of one protocol is needed, such as mqtt or http/1.1, or none.');
}

/**
 * Which protocol a listener agrees on (ALPN, RFC 7301).
 *
 * @param expected the only one that it is to know; undefined: none, it passes over what is offered.
 */
export async function protocols(
  target: ScanTarget,
  openSsl: OpenSsl,
  expected: string | undefined,
): Promise<readonly Check[]> {
  const agreedOn = async (offered: readonly string[]): Promise<string> => {
    const output = await openSsl.connect(target, offered.length === 0 ? [] : ['-alpn', offered.join(',')]);
    if (suiteOf(output) === undefined) return 'refused';
    return /^ALPN protocol: (\S+)/m.exec(output)?.[1] ?? 'none';
  };
  const others = await agreedOn(known.filter((name) => name !== expected));
  const none = await agreedOn([]);
  const withoutOffer = check('ALPN: who offers nothing is let in', none === 'none', none);
  if (expected === undefined) {
    return [check('ALPN: no protocol is agreed on, whatever is offered', others === 'none', others), withoutOffer];
  }
  const own = await agreedOn([expected]);
  return [
    check(`ALPN: ${expected} is agreed on`, own === expected, own),
    check('ALPN: who offers only others is refused', others === 'refused', others),
    withoutOffer,
  ];
}
