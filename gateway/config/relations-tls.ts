import { type ConfigError, joinPath } from './errors.ts';
import { showValue } from './mask.ts';
import type { GatewayConfig } from './schema.ts';

type Listener = GatewayConfig['listeners'][number];

/** Relations between the settings of a listener about TLS; and plain text only where somebody has asked for it. */
export const tlsContradictions = ({ listeners }: Pick<GatewayConfig, 'listeners'>): ConfigError[] =>
  listeners.flatMap((listener, index) => ofListener(listener, index));

function ofListener(listener: Listener, index: number): ConfigError[] {
  const { host, auth, tls, allowPlaintext } = listener;
  if (tls === undefined) {
    if (allowPlaintext || isLoopback(host)) return [];
    const allowed =
      'tls (docs/security.md), a loopback address such as 127.0.0.1, or allowPlaintext: true for a network where nobody listens';
    return [contradiction([index, 'host'], host, allowed)];
  }
  const { clientCertificates, clientCaFile, crlFiles, crlUrls, certificateSuffices } = tls;
  const takesCertificates = clientCertificates !== 'none';
  const rules: [boolean, (string | number)[], unknown, string][] = [
    [
      !allowPlaintext,
      ['allowPlaintext'],
      allowPlaintext,
      'false, as the listener has tls: a listener of its own is needed for plain text',
    ],
    [
      !takesCertificates || auth === 'registry',
      ['tls', 'clientCertificates'],
      clientCertificates,
      'none with auth: anonymous, which asks nobody who he is',
    ],
    [
      !takesCertificates || clientCaFile !== undefined,
      ['tls', 'clientCertificates'],
      clientCertificates,
      'none without a tls.clientCaFile: nobody says which certificates are good',
    ],
    [
      takesCertificates || (clientCaFile === undefined && crlFiles.length === 0 && crlUrls.length === 0),
      ['tls', 'clientCertificates'],
      clientCertificates,
      'optional or required with a tls.clientCaFile, tls.crlFiles or tls.crlUrls: without certificates they have no use',
    ],
    [
      !certificateSuffices || takesCertificates,
      ['tls', 'certificateSuffices'],
      certificateSuffices,
      'false unless certificates are taken (tls.clientCertificates)',
    ],
  ];
  return rules
    .filter(([holds]) => !holds)
    .map(([, path, value, allowed]) => contradiction([index, ...path], value, allowed));
}

export const isLoopback = (host: string): boolean =>
  host === 'localhost' || host === '::1' || /^127(\.\d{1,3}){3}$/.test(host);

const contradiction = (path: readonly (string | number)[], value: unknown, allowed: string): ConfigError => ({
  code: 'contradiction',
  setting: joinPath(['listeners', ...path]),
  value: showValue(value),
  allowed,
});
