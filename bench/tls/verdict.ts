import type { TlsMeasurements } from './measure.ts';

/** Gateway ÷ bare server, in one run. */
export interface TlsRatios {
  readonly idleMemory: number;
  readonly fullHandshake: number;
  readonly resumedHandshake: number;
}

export interface TlsThresholds {
  readonly maxIdleMemory: number;
  readonly maxFullHandshake: number;
}

/** What is promised. */
export const defaultTlsThresholds: TlsThresholds = { maxIdleMemory: 1.25, maxFullHandshake: 1.2 };

const rounded = (value: number): number => Math.round(value * 1000) / 1000;

export const ratiosOf = ({ bare, gateway }: TlsMeasurements): TlsRatios => ({
  idleMemory: rounded(gateway.idleBytes / bare.idleBytes),
  fullHandshake: rounded(gateway.fullUs / bare.fullUs),
  resumedHandshake: rounded(gateway.resumedUs / bare.resumedUs),
});

/** What is worse than allowed, in words. */
export function tlsShortfalls(ratios: TlsRatios, thresholds: TlsThresholds): string[] {
  const { maxIdleMemory, maxFullHandshake } = thresholds;
  // Not `>`: a ratio that is no number is not good either.
  return [
    ...(ratios.idleMemory <= maxIdleMemory
      ? []
      : [`an idle connection takes ${ratios.idleMemory} × the bare server's memory, at most ${maxIdleMemory} is good`]),
    ...(ratios.fullHandshake <= maxFullHandshake
      ? []
      : [
          `a full handshake takes ${ratios.fullHandshake} × the bare server's CPU, at most ${maxFullHandshake} is good`,
        ]),
  ];
}

const row = (name: string, cells: readonly string[]): string =>
  `${name.padEnd(22)}${cells.map((cell) => cell.padStart(12)).join('')}`;
const kilobytes = (bytes: number): string => `${(bytes / 1024).toFixed(1)} kB`;
const microseconds = (us: number): string => `${Math.round(us)} µs`;

export function renderTls({ bare, gateway }: TlsMeasurements, ratios: TlsRatios): string {
  return [
    row('', ['bare Node', 'gateway', 'ratio']),
    row('idle connection', [kilobytes(bare.idleBytes), kilobytes(gateway.idleBytes), String(ratios.idleMemory)]),
    row('full handshake, CPU', [microseconds(bare.fullUs), microseconds(gateway.fullUs), String(ratios.fullHandshake)]),
    row('resumed handshake, CPU', [
      microseconds(bare.resumedUs),
      microseconds(gateway.resumedUs),
      String(ratios.resumedHandshake),
    ]),
  ].join('\n');
}
