import { isIPv6 } from 'node:net';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { addressKey } from '../../../../gateway/core/limits/address-key.ts';

describe('an address is counted', () => {
  it.each([
    ['203.0.113.7', '203.0.113.7'],
    ['::ffff:203.0.113.7', '203.0.113.7'],
    ['2001:db8:1:2:3:4:5:6', '2001:db8:1:2::/64'],
    ['2001:db8::1', '2001:db8:0:0::/64'],
    ['::1', '0:0:0:0::/64'],
    ['::', '0:0:0:0::/64'],
    ['fe80::1%eth0', 'fe80:0:0:0::/64'],
    ['64:ff9b::203.0.113.7', '64:ff9b:0:0::/64'],
    ['1:2:3:4:5:6:203.0.113.7', '1:2:3:4::/64'],
    ['', ''],
  ])('%s as %s', (address, key) => {
    expect(addressKey(address)).toBe(key);
  });

  it('of IPv6 by its network of 64 bits, however it is written', () => {
    const group = fc.integer({ min: 0, max: 0xffff });
    const groups = fc.tuple(group, group, group, group);
    const hex = (numbers: readonly number[]) => numbers.map((number) => number.toString(16)).join(':');
    fc.assert(
      fc.property(groups, groups, groups, (network, host, otherHost) => {
        fc.pre(network[0] !== 0);
        const long = `${hex(network)}:${hex(host)}`;
        expect(addressKey(long)).toBe(addressKey(`${hex(network)}:${hex(otherHost)}`));
        // As the system writes it: the longest run of zeros left out.
        const short = new URL(`http://[${long}]/`).hostname.slice(1, -1);
        expect(isIPv6(short)).toBe(true);
        expect(addressKey(short)).toBe(addressKey(long));
        const neighbour = [network[0], network[1], network[2], (network[3] + 1) % 0x10000];
        expect(addressKey(`${hex(neighbour)}:${hex(host)}`)).not.toBe(addressKey(long));
      }),
    );
  });
});
