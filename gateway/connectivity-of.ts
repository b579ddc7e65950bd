import { randomUUID } from 'node:crypto';
import type { GatewayConfig } from './config/schema.ts';
import type { RecordCodec } from './core/codec.ts';
import { Connectivity, type ConnectivityOptions } from './core/connectivity/connectivity.ts';

type Parts = Omit<
  ConnectivityOptions,
  'codec' | 'topic' | 'maxPending' | 'maxPerDevicePerMinute' | 'maxDevices' | 'runId' | 'now'
> & {
  /** Undefined where these records are switched off. */
  readonly codec: RecordCodec | undefined;
};

/** Who writes the records about devices that come and go; undefined where they are switched off. */
export function connectivityOf(
  { connectivity, mqtt }: GatewayConfig,
  { codec, ...parts }: Parts,
): Connectivity | undefined {
  if (!connectivity.enabled || codec === undefined) return undefined;
  const { topic, maxPending, maxPerDevicePerMinute } = connectivity;
  const limits = { maxPending, maxPerDevicePerMinute, maxDevices: mqtt.maxSessions };
  return new Connectivity({ ...parts, ...limits, codec, topic, runId: randomUUID(), now: Date.now });
}
