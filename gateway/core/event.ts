import type { Message } from './codec.ts';
import type { Publish } from './publish.ts';

/** One event on its way to one record. */
export interface DeviceEvent {
  readonly publish: Publish;
  /** Id of the vehicle or bay that the topic belongs to. */
  readonly subject: string;
  /** Record key. */
  readonly key: string;
  /**
   * Microseconds since the epoch: the device's event time; the time of receipt when the payload has none, or one
   * that is too far off.
   */
  readonly timeUs: number;
  /** Start of the device that the event belongs to; −1 when the payload has no boot id and sequence. */
  readonly bootId: number;
  /** −1 when the payload has no boot id and sequence. */
  readonly sequence: number;
  /** What tells an event without boot id and sequence from others of its device; else empty. */
  readonly digest: string;
  /** Undefined for a raw route. */
  readonly message: Message | undefined;
}
