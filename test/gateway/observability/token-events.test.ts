import { describe, expect, it } from 'vitest';
import { TokenScene } from '../identity/tokens/support.ts';
import { Captured } from './captured.ts';

describe('events of tokens', () => {
  it('are counted by reason from the start, and written without anything that a token holds', async () => {
    const captured = new Captured();
    using scene = await TokenScene.open({ observer: captured.observability.tokens });
    const expired = await scene.issuer.sign('d', { claims: { exp: 1, canary: 'canary-claim' } });
    const unknown = await scene.issuer.sign('d', { header: { kid: 'canary-key\r\n{"event":"forged"}' } });
    for (const token of [expired, unknown]) await scene.connect(token);
    const metrics = await captured.metrics();
    expect(metrics.get('edge_identity_tokens_rejected_total{reason="expired"}')).toBe(1);
    expect(metrics.get('edge_identity_tokens_rejected_total{reason="unknown_key"}')).toBe(1);
    expect(metrics.get('edge_identity_tokens_rejected_total{reason="bad_signature"}')).toBe(0);
    const text = JSON.stringify(captured.lines) + (await captured.observability.metricsText());
    for (const part of [...expired.split('.'), ...unknown.split('.'), 'canary', 'forged']) {
      expect(text).not.toContain(part);
    }
    expect(captured.lines.map(({ event }) => event)).toEqual([
      'identity_token_keys_read',
      'identity_token_rejected',
      'identity_token_rejected',
    ]);
  });

  it('tell of a key set that fails each time, and of one that is read only when it has changed', async () => {
    const captured = new Captured();
    const { tokens } = captured.observability;
    tokens.keysRead(2, 0);
    tokens.keysRead(2, 0);
    tokens.keysFailed('keys_unreadable', 'no answer within 5000 ms');
    tokens.keysRead(3, 1);
    expect(captured.lines.map(({ level, event, keys }) => [level, event, keys])).toEqual([
      ['info', 'identity_token_keys_read', 2],
      ['error', 'identity_token_keys_failed', undefined],
      ['info', 'identity_token_keys_read', 3],
    ]);
    const metrics = await captured.metrics();
    expect(metrics.get('edge_identity_token_key_readings_total')).toBe(3);
    expect(metrics.get('edge_identity_token_key_failures_total{code="keys_unreadable"}')).toBe(1);
  });
});
