import { describe, expect, it } from 'vitest';
import {
  addressText,
  GatewayAddresses,
  GatewayChoice,
  parseAddress,
} from '../../../device-simulator/mqtt/addresses.ts';

const at = (port: number) => ({ host: 'gw', port });
const choice = (ports: readonly number[], { start = 0, followsAny = false } = {}) => {
  const addresses = new GatewayAddresses(ports.map(at), followsAny);
  return { addresses, chosen: new GatewayChoice(addresses, start) };
};
const use = (reference?: string) => ({ isPermanent: false, reference });
const moved = (reference?: string) => ({ isPermanent: true, reference });

describe('an address', () => {
  it.each([
    ['gw.example:1883', { host: 'gw.example', port: 1883 }],
    ['10.0.0.7:1', { host: '10.0.0.7', port: 1 }],
    ['[2001:db8::1]:1883', { host: '2001:db8::1', port: 1883 }],
  ])('is read from %s, and written the same', (text, address) => {
    expect(parseAddress(text)).toEqual(address);
    expect(addressText(address)).toBe(text);
  });

  it.each(['gw', 'gw:', ':1883', 'gw:0', 'gw:65536', '2001:db8::1:1883', '[x]:1', 'a b:1', ''])('is not %j', (text) => {
    expect(parseAddress(text)).toBeUndefined();
  });

  it('may lack its port where there is a default', () => {
    expect(parseAddress('gw', 1883)).toEqual(at(1883));
    expect(parseAddress('[::1]', 1883)).toEqual({ host: '::1', port: 1883 });
  });
});

describe("a device's choice of gateway", () => {
  it('begins at its own place of the list, and goes round it', () => {
    const { chosen } = choice([1, 2, 3], { start: 5 });
    const visited = [0, 1, 2, 3].map(() => {
      const { port } = chosen.current;
      chosen.next();
      return port;
    });
    expect(visited).toEqual([3, 1, 2, 3]);
  });

  it('takes a new list as soon as it looks again', () => {
    const { addresses, chosen } = choice([1, 2]);
    addresses.replace([at(7)]);
    expect(chosen.current).toEqual(at(7));
    expect(() => addresses.replace([])).toThrow(RangeError);
  });

  it('follows a server reference to a gateway of the list', () => {
    const { chosen } = choice([1, 2, 3]);
    chosen.redirect(use('gw:3'));
    expect(chosen.current).toEqual(at(3));
    chosen.next();
    expect(chosen.current).toEqual(at(2));
  });

  it('tries several references one after another, then the list', () => {
    const { chosen } = choice([1, 2, 3, 4]);
    chosen.redirect(use('gw:3 gw:4'));
    expect(chosen.current).toEqual(at(3));
    chosen.next();
    expect(chosen.current).toEqual(at(4));
    chosen.next();
    expect(chosen.current).toEqual(at(2));
  });

  it('spreads over several references with the rest of its fleet', () => {
    const starts = [0, 1, 2, 3].map((start) => {
      const { chosen } = choice([1, 2, 3], { start });
      chosen.redirect(use('gw:2 gw:3'));
      return chosen.current.port;
    });
    expect(starts).toEqual([2, 3, 2, 3]);
  });

  it('understands a reference without a port as the port that it uses', () => {
    const addresses = new GatewayAddresses([at(1883), { host: 'other', port: 1883 }]);
    const chosen = new GatewayChoice(addresses, 0);
    chosen.redirect(use('other'));
    expect(chosen.current).toEqual({ host: 'other', port: 1883 });
  });

  it.each(['evil:1883', 'gw:9', 'not an address', ''])('goes to the next of its list instead of to %j', (reference) => {
    const { chosen } = choice([1, 2]);
    chosen.redirect(use(reference));
    expect(chosen.current).toEqual(at(2));
  });

  it('follows any reference when it is told to', () => {
    const { chosen } = choice([1, 2], { followsAny: true });
    chosen.redirect(use('elsewhere:9'));
    expect(chosen.current).toEqual({ host: 'elsewhere', port: 9 });
  });

  it('does not come back to a server that has moved, unless a server refers to it', () => {
    const { chosen } = choice([1, 2, 3]);
    chosen.redirect(moved());
    const visited = [0, 1, 2, 3].map(() => {
      const { port } = chosen.current;
      chosen.next();
      return port;
    });
    expect(visited).toEqual([2, 3, 2, 3]);
    chosen.redirect(moved('gw:1'));
    expect(chosen.current).toEqual(at(1));
  });

  it('comes back to a server that only asked to use another one', () => {
    const { chosen } = choice([1, 2]);
    chosen.redirect(use('gw:2'));
    chosen.next();
    chosen.next();
    expect(chosen.current).toEqual(at(1));
  });

  it('is left with the whole list when every gateway says that it moved', () => {
    const { chosen } = choice([1, 2]);
    chosen.redirect(moved());
    chosen.redirect(moved());
    expect(chosen.current).toEqual(at(1));
    chosen.redirect(moved());
    expect(chosen.current).toEqual(at(2));
  });
});
