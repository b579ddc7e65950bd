import type { Address } from '../../device-simulator/mqtt/addresses.ts';
import type { Breakage } from '../../device-simulator/mqtt/connection.ts';

export interface FaultFleetOptions {
  readonly vehicles: number;
  /** Of the whole fleet. */
  readonly ratePerSecond: number;
  /** The gateways: vehicles spread over them, and go to the next when one fails. */
  readonly addresses: readonly Address[];
  /** A new file. */
  readonly ledgerFile: string;
  /** Decides what the vehicles do, which publishes are invalid, at which QoS they are, and which connections break where. */
  readonly seed: number;
  /** Credentials, `device_id,kind,bound_to,secret`; without them the fleet connects anonymously. */
  readonly devicesCsv?: string;
  /** Share of the publishes that are invalid on purpose (a charge of more than 1), 0 to 1. */
  readonly rejectShare: number;
  /** 4 is MQTT 3.1.1; `mixed`: every other vehicle. */
  readonly version: 4 | 5 | 'mixed';
  /** Unanswered publishes per vehicle. */
  readonly window: number;
  /** Share of the publishes at QoS 2; 0 when it is left out. */
  readonly qos2Share?: number;
  /** The same at QoS 0: written once if at all, never counted as sent or answered here. */
  readonly qos0Share?: number;
  /** Publishes that a vehicle keeps while it cannot send; what does not fit is counted. 10,000 when it is left out. */
  readonly backlog?: number;
  /** 60 when it is left out. */
  readonly keepAliveSeconds?: number;
  /** Until every vehicle must be connected; a minute when it is left out. */
  readonly connectDeadlineMs?: number;
}

/** The fleet in one interval, usually a second. Counts are of the interval, the rest is how things stand at its end. */
export interface FleetSample {
  /** End of the interval, milliseconds since the epoch. */
  readonly atMs: number;
  /** Written for the first time. */
  readonly sent: number;
  /** PUBACK, or PUBREC for QoS 2. */
  readonly acked: number;
  readonly rejected: number;
  /** Written again after a connection was lost. */
  readonly resent: number;
  /** Wanted by the schedule, and refused by a full backlog: they have no sequence number and are not in the ledger. */
  readonly overflowed: number;
  readonly disconnects: number;
  /** Written on the present connections and not answered yet. */
  readonly inFlight: number;
  /** Without an answer, whether written or not. */
  readonly outstanding: number;
  readonly connected: number;
  /** From the intended send time to the acknowledgement; 0 when nothing was acknowledged. */
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly maxMs: number;
}

/** The whole run up to now. */
export interface FleetSummary extends FleetSample {
  readonly p95Ms: number;
  readonly p999Ms: number;
  /** CPU time that the fleet's process has used since it began, user and system, seconds. */
  readonly cpuS: number;
  /** Why connections failed or were lost, most frequent first. */
  readonly reasons: readonly (readonly [reason: string, times: number])[];
}

export interface ResetWish {
  /** Of the connections, chosen at random; 0 to 1. */
  readonly share: number;
  readonly mode: Breakage;
}

/** What the parent asks for. Each is answered with a `FleetReply` of the same id. */
export type FleetCommand =
  | { readonly kind: 'start'; readonly options: FaultFleetOptions }
  | { readonly kind: 'setAddresses'; readonly addresses: readonly Address[] }
  | ({ readonly kind: 'resetConnections' } & ResetWish)
  | { readonly kind: 'stopPublishing' }
  | { readonly kind: 'drain'; readonly deadlineMs: number }
  | { readonly kind: 'summary' }
  | { readonly kind: 'close' };

export interface FleetRequest {
  readonly id: number;
  readonly command: FleetCommand;
}

export type FleetReply =
  | { readonly id: number; readonly result: unknown }
  | { readonly id: number; readonly problem: string };

export type FleetMessage = FleetReply | { readonly sample: FleetSample };
