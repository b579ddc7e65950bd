import type { RecordCodec } from '../codec.ts';
import { DeviceShares } from '../device-shares.ts';
import type { RecordOrigin } from '../headers/common-headers.ts';
import type { Identity } from '../identity.ts';
import { isDurable, type Outcome } from '../outcome.ts';
import type { Settleable } from '../publish.ts';
import type { Pressure, RecordSink } from '../record-sink.ts';
import {
  type ConnectionDetails,
  type ConnectivityChange,
  type ConnectivityEvent,
  ConnectivityRecordEncoder,
} from './connectivity-record.ts';

/**
 * What became of an event: durable; dropped because too much is under way, or because its device has had its share;
 * refused, or left at shutdown.
 */
export type ConnectivityOutcome = 'written' | 'shed' | 'capped' | 'lost';

/** Must not block or throw. */
export interface ConnectivityObserver {
  connectivityEvent(change: ConnectivityChange, outcome: ConnectivityOutcome): void;
}

export interface ConnectivityOptions extends RecordOrigin {
  readonly codec: RecordCodec;
  readonly sink: RecordSink;
  readonly topic: string;
  /** Events that may be under way; further ones are shed. */
  readonly maxPending: number;
  /** Events of a device per minute in the long run, and at once; further ones are dropped. */
  readonly maxPerDevicePerMinute: number;
  /** Devices whose shares are remembered. */
  readonly maxDevices: number;
  /** Tells this run of the gateway from all others, in ids. */
  readonly runId: string;
  /** Events are shed from level 1 on, as QoS 0 is: what devices report goes first. */
  readonly pressure: () => Pressure;
  readonly now: () => number;
  readonly observer: ConnectivityObserver;
}

/**
 * Writes a record when a device comes, goes, or has its will published. At best effort: nobody waits for it, and nothing
 * that goes wrong with it touches a connection. A storm of reconnects is bounded by `maxPending` and by the pressure, a
 * single device that does nothing else by its share.
 *
 * Keyed by the vehicle or bay, so that its records stand in line with what the device reports. A device of an anonymous
 * listener is bound to none and has none.
 */
export class Connectivity {
  readonly #options: ConnectivityOptions;
  readonly #encoder: ConnectivityRecordEncoder;
  readonly #shares: DeviceShares;
  #written = 0;
  pending = 0;

  constructor(options: ConnectivityOptions) {
    this.#options = options;
    this.#encoder = new ConnectivityRecordEncoder(options.codec, options);
    const { maxPerDevicePerMinute, maxDevices } = options;
    this.#shares = new DeviceShares({ perMinute: maxPerDevicePerMinute, burst: maxPerDevicePerMinute, maxDevices });
  }

  connected(identity: Identity, { clientId, listener, version }: ConnectionDetails, sessionPresent: boolean): void {
    this.#write(identity, 'connected', { clientId, listener, version }, undefined, sessionPresent);
  }

  disconnected(identity: Identity, { clientId, listener, version }: ConnectionDetails, reason: string): void {
    this.#write(identity, 'disconnected', { clientId, listener, version }, reason, undefined);
  }

  willPublished(identity: Identity): void {
    this.#write(identity, 'will_published', undefined, undefined, undefined);
  }

  #write(
    identity: Identity,
    change: ConnectivityChange,
    connection: ConnectionDetails | undefined,
    reason: string | undefined,
    sessionPresent: boolean | undefined,
  ): void {
    if (identity.kind === 'anonymous') return;
    const { sink, topic, maxPending, runId, pressure, now, observer } = this.#options;
    if (this.pending >= maxPending || pressure() > 0) {
      observer.connectivityEvent(change, 'shed');
      return;
    }
    const timeMs = now();
    if (this.#shares.take(identity.deviceId, timeMs) < 0) {
      observer.connectivityEvent(change, 'capped');
      return;
    }
    this.#written += 1;
    const id = `${identity.deviceId}:connectivity:${runId}-${this.#written}`;
    const event: ConnectivityEvent = { id, identity, change, timeMs, connection, reason, sessionPresent };
    // Before it is appended: whoever appends may be told the outcome at once.
    this.pending += 1;
    const settleable: Settleable = { settleRecord: (outcome) => this.#settled(change, outcome) };
    if (!sink.append(topic, identity.boundTo, timeMs, this.#encoder, event, settleable)) this.#settled(change);
  }

  #settled(change: ConnectivityChange, outcome?: Outcome): void {
    this.pending -= 1;
    const isWritten = outcome !== undefined && isDurable(outcome);
    this.#options.observer.connectivityEvent(change, isWritten ? 'written' : 'lost');
  }
}
