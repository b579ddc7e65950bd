import { parseAddressRange } from './address-ranges.ts';
import { type ConfigError, joinPath } from './errors.ts';
import { showValue } from './mask.ts';
import type { GatewayConfig } from './schema.ts';

/** What no single setting of the limits shows. */
export function limitContradictions({ limits, mqtt }: Pick<GatewayConfig, 'limits' | 'mqtt'>): ConfigError[] {
  const errors: ConfigError[] = [];
  for (const [index, range] of limits.exemptAddresses.entries()) {
    if (parseAddressRange(range) !== undefined) continue;
    errors.push({
      code: 'wrong_value',
      setting: joinPath(['limits', 'exemptAddresses', index]),
      value: showValue(range),
      allowed: 'an IPv4 or IPv6 address, or a network such as 10.0.0.0/8',
    });
  }
  const { perAddress } = limits.connections;
  if (perAddress > mqtt.maxConnections) {
    errors.push({
      code: 'contradiction',
      setting: joinPath(['limits', 'connections', 'perAddress']),
      value: showValue(perAddress),
      allowed: `at most mqtt.maxConnections (${mqtt.maxConnections}), or 0 for no limit of its own`,
    });
  }
  return errors;
}
