import type { RejectionReason } from './outcome.ts';

/** A rejection, for people who find it in a dead letter or on a dashboard. */
export interface RejectionGuide {
  readonly meaning: string;
  /** What to do about it. */
  readonly remedy: string;
}

/** Every reason has an entry: the compiler asks for it. */
export const rejectionGuide: Readonly<Record<RejectionReason, RejectionGuide>> = {
  no_route: {
    meaning: 'The MQTT topic matches no configured route.',
    remedy: 'Mend the topic in the device, or add a route (`routes`) and replay.',
  },
  not_authorized: {
    meaning:
      'The MQTT topic belongs to another vehicle or bay than the one that the device is bound to, or the rules of authorization do not allow it.',
    remedy:
      'Ask `npm run authorize` which it is. Look at the binding with `npm run devices -- list`; bind the device anew, mend the rules, or mend its topic.',
  },
  wrong_identity: {
    meaning: "The payload names another vehicle or bay than the topic and the device's binding.",
    remedy: 'Mend the device: its payload was made for another vehicle. A replay is refused again.',
  },
  malformed_payload: {
    meaning: "The payload is not a message of the route's type.",
    remedy: 'Compare what the device was built with to `proto/`. After a missing message type was deployed, replay.',
  },
  invalid_field: {
    meaning: 'A field is missing or out of its range; `dlq_message` names it.',
    remedy: 'Mend the device; where the rule or the schema was wrong, mend that and replay.',
  },
  absurd_clock: {
    meaning: "The event time is further from the gateway's clock than allowed, or no record can hold it.",
    remedy: "Look at the device's clock, and at the gateway's. With `validation.absurdClock: clamp` a replay is taken.",
  },
  reused_sequence: {
    meaning:
      'Boot id and sequence are those of an earlier event, and the event is younger than all that its boot had sent: it is no copy.',
    remedy:
      'Mend the device: it counts wrongly. A replay writes the event under the `ce_id` of the earlier one, by which consumers drop it.',
  },
  too_large: {
    meaning: 'A record of it is larger than a batch (`kafka.maxBatchBytes`) or than Kafka takes.',
    remedy: 'Send smaller batches, or raise `kafka.maxBatchBytes` and `max.message.bytes` of the topic and replay.',
  },
  refused_by_kafka: {
    meaning: 'Kafka refused the record for good, for example because of its timestamp.',
    remedy: "Compare the topic's settings with the file: `npm run topics -- plan`. Mend them, then replay.",
  },
  internal_error: {
    meaning: 'A defect of the gateway: a stage of its pipeline failed at the publish.',
    remedy: 'Look for `pipeline_stage_failed` in the log and report it. With a gateway that has it mended, replay.',
  },
};
