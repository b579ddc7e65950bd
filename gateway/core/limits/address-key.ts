const mappedAddress = /^::ffff:(\d{1,3}(?:\.\d{1,3}){3})$/i;
/** An IPv4 address at the end of one of IPv6 stands for two groups (RFC 4291, section 2.2). */
const dottedEnd = /\d{1,3}(?:\.\d{1,3}){3}$/;

/** The IPv4 address behind one that a socket for both families shows as IPv6 (RFC 4291, section 2.5.5.2). */
export const unmapped = (address: string): string => mappedAddress.exec(address)?.[1] ?? address;

/**
 * By what an address is counted: one of IPv4 by itself, one of IPv6 by its first 64 bits. A single host has the other 64
 * for itself (RFC 4291, section 2.5.4), and could come from another address each time.
 *
 * @param address as the system writes it.
 */
export function addressKey(address: string): string {
  const plain = unmapped(address);
  if (!plain.includes(':')) return plain;
  const [withoutZone = ''] = plain.split('%', 1);
  const [head = '', tail] = withoutZone.replace(dottedEnd, '0:0').split('::');
  const left = head === '' ? [] : head.split(':');
  const right = tail === undefined || tail === '' ? [] : tail.split(':');
  const zeros = tail === undefined ? 0 : Math.max(0, 8 - left.length - right.length);
  const groups = [...left, ...Array.from({ length: zeros }, () => '0'), ...right];
  const network = groups.slice(0, 4).map((group) => Number.parseInt(group, 16).toString(16));
  return `${network.join(':')}::/64`;
}
