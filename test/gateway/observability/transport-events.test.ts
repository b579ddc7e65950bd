import { expect, it } from 'vitest';
import { Captured } from './captured.ts';

it('what happens between accept and MQTT is counted by reason, and refusals are said with the peer', async () => {
  const captured = new Captured('info');
  const { transport } = captured.observability;
  const before = await captured.metrics();
  expect(before.get('edge_proxy_headers_refused_total{reason="not_allowed"}')).toBe(0);
  expect(before.get('edge_websocket_upgrades_refused_total{reason="origin"}')).toBe(0);
  transport.proxyHeaderTaken('l', true);
  transport.proxyHeaderTaken('l', false);
  transport.proxyHeaderRefused('l', 'not_allowed', '192.0.2.1');
  transport.proxyHeaderRefused('l', 'aborted', '192.0.2.2');
  transport.upgraded('l');
  transport.upgradeRefused('l', 'origin', undefined);
  const metrics = await captured.metrics();
  expect(metrics.get('edge_proxy_headers_total{command="proxy"}')).toBe(1);
  expect(metrics.get('edge_proxy_headers_total{command="local"}')).toBe(1);
  expect(metrics.get('edge_proxy_headers_refused_total{reason="not_allowed"}')).toBe(1);
  expect(metrics.get('edge_proxy_headers_refused_total{reason="aborted"}')).toBe(1);
  expect(metrics.get('edge_websocket_upgrades_total{listener="l"}')).toBe(1);
  expect(metrics.get('edge_websocket_upgrades_refused_total{reason="origin"}')).toBe(1);
  expect(captured.lines).toMatchObject([
    { level: 'warn', event: 'proxy_header_refused', reason: 'not_allowed', remoteAddress: '192.0.2.1' },
    { level: 'warn', event: 'websocket_upgrade_refused', reason: 'origin', listener: 'l' },
  ]);
});
