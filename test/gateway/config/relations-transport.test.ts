import { describe, expect, it } from 'vitest';
import { describeConfigError } from '../../../gateway/config/errors.ts';
import { loadConfig } from '../../../gateway/config/load.ts';

const load = (listener: object) => loadConfig({ settings: { listeners: [{ name: 'a', ...listener }] }, env: {} });
const errorsOf = (listener: object) => {
  const result = load(listener);
  return result.ok ? [] : result.errors;
};

describe('load balancers', () => {
  it.each(['10.0.0.0/8', '192.0.2.7', '192.0.2.7/32', 'fd00::/8', '::1', '2001:db8::/128', '128.0.0.0/1'])(
    'may be %s',
    (subnet) => {
      expect(errorsOf({ proxyProtocol: { from: [subnet] } })).toEqual([]);
    },
  );

  it.each([
    '0.0.0.0/0',
    '::/0',
    '10.0.0.0/33',
    'fd00::/129',
    '10.0.0/8',
    'balancer.example',
    '10.0.0.0/8/8',
    '1.1.1.1/',
  ])('must not be %s', (subnet) => {
    const errors = errorsOf({ proxyProtocol: { from: ['10.1.1.1', subnet] } });
    expect(errors).toMatchObject([{ code: 'wrong_value', setting: 'listeners[0].proxyProtocol.from[1]' }]);
    expect(errors.map(describeConfigError).join()).toMatch(/subnet such as 10\.0\.0\.0\/8/);
  });

  it('must be named: nobody may speak for others by default', () => {
    expect(errorsOf({ proxyProtocol: { from: [] } })).toMatchObject([{ setting: 'listeners[0].proxyProtocol.from' }]);
    expect(errorsOf({ proxyProtocol: {} })).toMatchObject([{ setting: 'listeners[0].proxyProtocol.from' }]);
    expect(load({})).toMatchObject({ ok: true });
  });
});

describe('WebSocket', () => {
  it('is off by default, and at /mqtt without web pages where it is on', () => {
    expect(load({})).toMatchObject({ config: { listeners: [{ transport: 'tcp' }] } });
    expect(load({ transport: 'websocket' })).toMatchObject({
      config: { listeners: [{ transport: 'websocket', webSocket: { path: '/mqtt', allowedOrigins: [] } }] },
    });
  });

  it('is plain on the loopback only, as MQTT is', () => {
    expect(errorsOf({ transport: 'websocket', host: '0.0.0.0' })).toMatchObject([{ setting: 'listeners[0].host' }]);
    expect(errorsOf({ transport: 'websocket', host: '0.0.0.0', tls: { certFile: '/c', keyFile: '/k' } })).toEqual([]);
  });

  it.each([
    [{ path: 'mqtt' }, 'path'],
    [{ path: '/mqtt?x' }, 'path'],
    [{ allowedOrigins: ['console.example'] }, 'allowedOrigins[0]'],
    [{ allowedOrigins: ['https://Console.example'] }, 'allowedOrigins[0]'],
    [{ allowedOrigins: ['https://console.example/'] }, 'allowedOrigins[0]'],
    [{ maxUpgrades: 0 }, 'maxUpgrades'],
  ])('%j is refused', (webSocket, setting) => {
    expect(errorsOf({ transport: 'websocket', webSocket })).toMatchObject([
      { setting: `listeners[0].webSocket.${setting}` },
    ]);
  });

  it('takes origins as browsers name them', () => {
    const allowedOrigins = ['https://console.example', 'http://localhost:8080', 'https://[::1]:8443', '*'];
    expect(errorsOf({ transport: 'websocket', webSocket: { allowedOrigins } })).toEqual([]);
  });
});
