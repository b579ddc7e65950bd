import { describe, expect, it } from 'vitest';
import { inAddressRanges } from '../../../gateway/config/address-ranges.ts';
import { describeConfigError } from '../../../gateway/config/errors.ts';
import { loadConfig } from '../../../gateway/config/load.ts';
import { leastCeilingBytes } from '../../../gateway/config/memory-needs.ts';

const problems = (settings: object): string[] => {
  const loaded = loadConfig({ settings, env: {} });
  return loaded.ok ? [] : loaded.errors.map(describeConfigError);
};

describe('settings of limits', () => {
  it('have defaults that a fleet of thousands behind one address does not reach', () => {
    const loaded = loadConfig({ settings: {}, env: {} });
    if (!loaded.ok) throw new Error('refused');
    const { limits, mqtt } = loaded.config;
    expect(limits.connects.burstPerAddress).toBeGreaterThanOrEqual(mqtt.maxConnections);
    expect(limits.handshakes.burstPerAddress).toBeGreaterThanOrEqual(mqtt.maxConnections);
    // Three quarters are for everybody.
    expect(limits.connects.burst * 0.75).toBeGreaterThanOrEqual(mqtt.maxConnections);
    expect(limits.messages).toMatchObject({ messagesPerSecond: 0, bytesPerSecond: 0, fleetMessagesPerSecond: 0 });
  });

  it.each(['300.1.1.1', '10.0.0.0/33', 'load-balancer', '10.0.0.0/8/8', '::/129', 'fe80::1%eth0'])(
    'name an exempt address that is none: %s',
    (range) => {
      const [line = ''] = problems({ limits: { exemptAddresses: ['10.0.0.0/8', range] } });
      expect(line).toContain('limits.exemptAddresses[1]');
      expect(line).toContain('10.0.0.0/8');
    },
  );

  it('name a limit of an address that could never be reached', () => {
    const [line = ''] = problems({ mqtt: { maxConnections: 100 }, limits: { connections: { perAddress: 101 } } });
    expect(line).toContain('limits.connections.perAddress');
  });

  it('count in the plan of memory', () => {
    const least = (maxTracked: number): number => {
      const loaded = loadConfig({ settings: { limits: { maxTracked } }, env: {} });
      if (!loaded.ok) throw new Error('refused');
      return leastCeilingBytes(loaded.config);
    };
    expect(least(20_000) - least(10_000)).toBeGreaterThan(10_000 * 1024);
  });
});

describe('a range of addresses', () => {
  const isExempt = inAddressRanges(['10.0.0.0/8', '192.0.2.7', '2001:db8::/32', '127.0.0.0/8']);
  it.each(['10.255.0.1', '192.0.2.7', '2001:db8:ffff::1', '::ffff:10.1.1.1', '127.0.0.1'])('holds %s', (address) => {
    expect(isExempt(address)).toBe(true);
  });
  it.each(['11.0.0.1', '192.0.2.8', '2001:db9::1', '', 'nonsense'])('does not hold "%s"', (address) => {
    expect(isExempt(address)).toBe(false);
  });
});
