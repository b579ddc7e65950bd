import { describe, expect, it } from 'vitest';
import { defaultTlsThresholds, ratiosOf, renderTls, tlsShortfalls } from '../../../bench/tls/verdict.ts';

const bare = { idleBytes: 80_000, fullUs: 1000, resumedUs: 800 };
const measured = (idleBytes: number, fullUs: number) => ({ bare, gateway: { idleBytes, fullUs, resumedUs: 900 } });
const failings = (idleBytes: number, fullUs: number): string[] =>
  tlsShortfalls(ratiosOf(measured(idleBytes, fullUs)), defaultTlsThresholds);

describe('the verdict on what TLS costs', () => {
  it('takes up to 1.25 times the memory and 1.2 times the CPU of the bare server', () => {
    expect(failings(100_000, 1200)).toEqual([]);
    expect(failings(100_100, 1200)).toEqual([expect.stringContaining('memory')]);
    expect(failings(100_000, 1210)).toEqual([expect.stringContaining('CPU')]);
  });

  it('finds nothing good that was not measured', () => {
    expect(failings(Number.NaN, Number.NaN)).toHaveLength(2);
  });

  it('shows both servers and their ratio', () => {
    const measurements = measured(100_000, 1100);
    expect(renderTls(measurements, ratiosOf(measurements))).toMatch(/full handshake, CPU +1000 µs +1100 µs +1\.1/);
  });
});
