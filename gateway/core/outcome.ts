/** Why a publish can never be taken. The closed set that dead letters, metrics and MQTT reason codes are built on. */
export const rejectionReasons = [
  /** The topic matches no configured route. */
  'no_route',
  /** The topic belongs to another vehicle or bay, or no rule allows it. */
  'not_authorized',
  /** The payload names another vehicle or bay than the topic and the identity. */
  'wrong_identity',
  /** The payload is not a message of the route's type. */
  'malformed_payload',
  /** A field is missing or out of its range. */
  'invalid_field',
  /** The event time is further from the gateway's clock than the configuration allows. */
  'absurd_clock',
  /** The boot id and the sequence of an event are those of another one, which it cannot be a copy of. */
  'reused_sequence',
  /** A record of it is larger than a batch or than Kafka takes. */
  'too_large',
  /** Kafka refused the record for good (for example INVALID_RECORD). */
  'refused_by_kafka',
  /** A stage of the pipeline threw: a defect of the gateway. */
  'internal_error',
] as const;
export type RejectionReason = (typeof rejectionReasons)[number];

export interface Rejection {
  readonly reason: RejectionReason;
  /**
   * For people: which field, which value, which limit. It may quote a value of the payload, so it goes to the device and
   * into the dead letter, never into a log. Never a secret.
   */
  readonly detail: string;
  /** Path of the offending field inside the message, where it is known: `position.latitudeDeg`. */
  readonly field?: string;
}

/** How a publish ended. Exactly one of these, exactly once. */
export type Outcome =
  | { readonly kind: 'delivered' }
  /** Durable in the spool, on its way to Kafka: to the device as good as delivered (rule 1). */
  | { readonly kind: 'spooled' }
  /** All of its events were durable already: nothing was written for it, and to the device it is delivered (rule 6). */
  | { readonly kind: 'duplicate' }
  | { readonly kind: 'rejected'; readonly rejection: Rejection }
  /** Dropped on shutdown, or a copy whose connection is gone: the device gets no answer and sends again. */
  | { readonly kind: 'unanswered' };

export const delivered: Outcome = Object.freeze({ kind: 'delivered' });
export const spooled: Outcome = Object.freeze({ kind: 'spooled' });
export const duplicate: Outcome = Object.freeze({ kind: 'duplicate' });
export const unanswered: Outcome = Object.freeze({ kind: 'unanswered' });
export const rejected = (rejection: Rejection): Outcome => ({ kind: 'rejected', rejection });

/** Whether what had this outcome survives the gateway. */
export const isDurable = ({ kind }: Outcome): boolean =>
  kind === 'delivered' || kind === 'spooled' || kind === 'duplicate';

const severity: Record<Outcome['kind'], number> = {
  duplicate: 0,
  delivered: 1,
  spooled: 2,
  rejected: 3,
  unanswered: 4,
};

/**
 * Where the outcomes of several records of one publish meet: unanswered, rejected, spooled, delivered, duplicate; the
 * first of them wins.
 */
export const worse = (a: Outcome, b: Outcome): Outcome => (severity[b.kind] > severity[a.kind] ? b : a);
