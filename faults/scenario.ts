import type { LocalKafka } from '../deploy/local/kafka.ts';
import type { Random } from '../device-simulator/core/random.ts';
import type { FaultFleet } from './fleet/fleet-process.ts';
import type { GatewayUnderTest } from './gateway-under-test.ts';
import type { ShiftedClock } from './injectors/shifted-clock.ts';
import type { SmallDisk } from './injectors/small-disk.ts';
import type { TcpProxy } from './injectors/tcp-proxy.ts';
import type { RestartableRegistry } from './restartable-registry.ts';
import type { Finding } from './result.ts';
import type { Timeline } from './timeline.ts';

/**
 * What a machine must offer beyond Java and Node. A scenario whose need is not met is reported as not run.
 * `broker-disk`: a broker's data on a small disk of its own; `gateway-disk`: the same for the gateway's spool.
 */
export type Need = 'broker-disk' | 'gateway-disk';

/** Sections of the gateway's settings, merged into those that the harness makes. */
export type Sections = Readonly<Record<string, object>>;

export interface FleetWish {
  readonly vehicles: number;
  /** Of the whole fleet. */
  readonly ratePerSecond: number;
  /** Share of publishes that are invalid on purpose. */
  readonly rejectShare: number;
  /** Unanswered publishes per vehicle. */
  readonly window: number;
  readonly qos2Share: number;
  /** Share of publishes that nobody answers. */
  readonly qos0Share: number;
}

/** How long things take: the short form is for CI, the long one for evidence. */
export interface Form {
  readonly short: boolean;
  readonly warmUpMs: number;
  readonly steadyMs: number;
  /** Traffic after everything works again. */
  readonly afterMs: number;
}

export interface Topics {
  readonly events: string;
  readonly deadLetters: string;
}

/** Everything that a fault may lay its hands on. */
export interface World {
  readonly form: Form;
  /** Seeded: a fault that chooses draws from it. */
  readonly random: Random;
  readonly kafka: LocalKafka;
  /** One before each broker, in their order; only the gateways of a scenario with `network: 'proxied'` go through them. */
  readonly proxies: readonly TcpProxy[];
  readonly registry: RestartableRegistry;
  /** The first of `gateways`. */
  readonly gateway: GatewayUnderTest;
  readonly gateways: readonly GatewayUnderTest[];
  readonly fleet: FaultFleet;
  /** A device that the fleet does not use. */
  readonly quiet: { readonly deviceId: string; readonly vehicleId: string; readonly secret: string };
  readonly topics: Topics;
  /** Where the gateways write what comes on the route for raw bytes; the fleet does not use it. */
  readonly rawTopic: string;
  /** The gateways' registry of devices: more of them may be registered while everything runs. */
  readonly databasePath: string;
  readonly timeline: Timeline;
  /** The clock of the gateways, for a scenario with `clock: true`. */
  readonly clock: ShiftedClock | undefined;
  /** Holds the data of the last broker. */
  readonly brokerDisk: SmallDisk | undefined;
  /** Holds the gateway's spool. */
  readonly gatewayDisk: SmallDisk | undefined;
  /** Shows on the timeline what is done to the system. */
  mark(label: string): void;
  /** Notes a problem, a `check` unless said otherwise, unless `holds`. A fault that was not really injected must fail one. */
  demand(holds: boolean, otherwise: string, finding?: Finding): void;
  /**
   * Judges what was answered up to now, before the events topic is deleted on purpose. Call `deleted` when it is gone, and
   * nothing can have been stored in what replaces it: only events that were acknowledged between the two moments are
   * never looked for.
   */
  judgeBeforeDeletion(): Promise<void>;
  deleted(): void;
  /** Raises the bound of duplicates by what a fault explains beyond publishes that were sent again. */
  explainDuplicates(count: number): void;
}

/** One way in which things break. */
export interface Scenario {
  readonly name: string;
  readonly title: string;
  /** One sentence: what is done, and what must hold. */
  readonly what: string;
  readonly needs?: readonly Need[];
  /** Takes minutes in any form: `all` leaves it out in the short one. */
  readonly longOnly?: true;
  /** `direct` unless given. */
  readonly network?: 'direct' | 'proxied';
  /** The gateway's memory is held to a limit: V8 keeps its young generation at one size. */
  readonly boundsMemory?: true;
  /** The gateway runs with a clock that can be shifted. */
  readonly clock?: true;
  /** 1 unless given. */
  readonly gateways?: number;
  readonly settings?: Sections;
  readonly fleet?: Partial<FleetWish>;
  /** Length of the fault. */
  readonly seconds: { readonly short: number; readonly long: number };
  /** Duplicates are wrong whatever was in flight: 0 is the bound. */
  readonly noDuplicates?: true;
  /** Breaks things, looks at what they do meanwhile, and mends them. */
  fault(world: World, seconds: number): Promise<void>;
  /** Looks again when everything works and nothing is outstanding. */
  check?(world: World): Promise<void>;
}
