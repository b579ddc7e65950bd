import { isIP } from 'node:net';
import { type ConfigError, joinPath } from './errors.ts';
import { showValue } from './mask.ts';
import type { GatewayConfig } from './schema.ts';

const widestPrefix: Readonly<Record<number, number>> = { 4: 32, 6: 128 };

/** What the schema can't say of load balancers: that these are addresses, and not those of everybody. */
export const transportContradictions = ({ listeners }: Pick<GatewayConfig, 'listeners'>): ConfigError[] =>
  listeners.flatMap(({ proxyProtocol }, index) =>
    (proxyProtocol?.from ?? []).flatMap((subnet, at) => {
      if (isSubnet(subnet)) return [];
      const error: ConfigError = {
        code: 'wrong_value',
        setting: joinPath(['listeners', index, 'proxyProtocol', 'from', at]),
        value: showValue(subnet),
        allowed:
          'an IPv4 or IPv6 address, or a subnet such as 10.0.0.0/8; not /0: whoever is in it can claim any address',
      };
      return [error];
    }),
  );

function isSubnet(text: string): boolean {
  const [address = '', prefix, ...rest] = text.split('/');
  const widest = widestPrefix[isIP(address)];
  if (widest === undefined || rest.length > 0) return false;
  if (prefix === undefined) return true;
  return /^[1-9]\d{0,2}$/.test(prefix) && Number(prefix) <= widest;
}
