import type { CertificateNameKind, CertificateNames } from '../core/client-certificate.ts';
import { isUsableId } from './device.ts';

/** Which name of a certificate is the device's id, and what stands around it there. */
export interface CertificateRule {
  readonly deviceIdFrom: CertificateNameKind;
  /** With `{deviceId}` in it once; empty: `urn:device:{deviceId}` for a URI, the whole name otherwise. */
  readonly pattern: string;
}

const placeholder = '{deviceId}';

/**
 * Makes the function that says which device a certificate belongs to: undefined where no name fits the pattern, where the
 * id could be no device's, and where two names fit that say different things.
 */
export function deviceIdByRule({ deviceIdFrom, pattern }: CertificateRule) {
  const usual = deviceIdFrom === 'san-uri' ? `urn:device:${placeholder}` : placeholder;
  const [before = '', after = ''] = (pattern === '' ? usual : pattern).split(placeholder);
  return (names: CertificateNames): string | undefined => {
    const found = new Set<string>();
    for (const name of namesOf(names, deviceIdFrom)) {
      if (name.length <= before.length + after.length || !name.startsWith(before) || !name.endsWith(after)) continue;
      found.add(name.slice(before.length, name.length - after.length));
    }
    const [deviceId] = found;
    return deviceId !== undefined && found.size === 1 && isUsableId(deviceId) ? deviceId : undefined;
  };
}

/** Asks for no others: each kind is taken apart when it is asked for. */
function namesOf(names: CertificateNames, kind: CertificateNameKind): readonly string[] {
  if (kind === 'san-uri') return names.uris;
  return kind === 'san-dns' ? names.dnsNames : names.commonNames;
}
