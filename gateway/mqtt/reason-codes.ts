import type { RejectionReason } from '../core/outcome.ts';

/** The reason codes of MQTT 5.0 that this server sends or understands (section 2.4). */
export const reasonCodes = {
  success: 0x00,
  disconnectWithWill: 0x04,
  noSubscriptionExisted: 0x11,
  unspecifiedError: 0x80,
  malformedPacket: 0x81,
  protocolError: 0x82,
  implementationSpecificError: 0x83,
  unsupportedProtocolVersion: 0x84,
  clientIdentifierNotValid: 0x85,
  badUserNameOrPassword: 0x86,
  notAuthorized: 0x87,
  serverUnavailable: 0x88,
  serverBusy: 0x89,
  serverShuttingDown: 0x8b,
  badAuthenticationMethod: 0x8c,
  keepAliveTimeout: 0x8d,
  sessionTakenOver: 0x8e,
  topicFilterInvalid: 0x8f,
  topicNameInvalid: 0x90,
  packetIdentifierNotFound: 0x92,
  receiveMaximumExceeded: 0x93,
  topicAliasInvalid: 0x94,
  packetTooLarge: 0x95,
  messageRateTooHigh: 0x96,
  quotaExceeded: 0x97,
  administrativeAction: 0x98,
  payloadFormatInvalid: 0x99,
  retainNotSupported: 0x9a,
  useAnotherServer: 0x9c,
  serverMoved: 0x9d,
  sharedSubscriptionsNotSupported: 0x9e,
  connectionRateExceeded: 0x9f,
  maximumConnectTime: 0xa0,
  subscriptionIdentifiersNotSupported: 0xa1,
  wildcardSubscriptionsNotSupported: 0xa2,
} as const;

export type ReasonName = keyof typeof reasonCodes;
export type ReasonCode = (typeof reasonCodes)[ReasonName];

const names = new Map<number, ReasonName>();
for (const name of Object.keys(reasonCodes) as ReasonName[]) names.set(reasonCodes[name], name);

/** The name of a reason code, for logs, metric labels and reason strings. */
export const reasonName = (code: ReasonCode): ReasonName => names.get(code) ?? 'unspecifiedError';

/**
 * What a rejected publish is answered with in MQTT 5 (PUBACK, PUBREC: sections 3.4.2.1 and 3.5.2.1).
 *
 * `too_large` is 0x97, not 0x95: packet too large is a code of CONNACK and DISCONNECT only. A client that checks, as
 * MQTT.js does, takes a PUBACK with 0x95 for malformed, closes, and sends the same publish again without end.
 */
export const reasonOfRejection: Readonly<Record<RejectionReason, ReasonCode>> = {
  no_route: reasonCodes.topicNameInvalid,
  not_authorized: reasonCodes.notAuthorized,
  wrong_identity: reasonCodes.notAuthorized,
  malformed_payload: reasonCodes.payloadFormatInvalid,
  invalid_field: reasonCodes.payloadFormatInvalid,
  absurd_clock: reasonCodes.payloadFormatInvalid,
  reused_sequence: reasonCodes.payloadFormatInvalid,
  too_large: reasonCodes.quotaExceeded,
  refused_by_kafka: reasonCodes.implementationSpecificError,
  internal_error: reasonCodes.implementationSpecificError,
};

/** CONNACK return codes of MQTT 3.1.1 (section 3.2.2.3). */
export const returnCodes = {
  accepted: 0,
  unacceptableProtocolVersion: 1,
  identifierRejected: 2,
  serverUnavailable: 3,
  badUserNameOrPassword: 4,
  notAuthorized: 5,
} as const;
export type ReturnCode = (typeof returnCodes)[keyof typeof returnCodes];

/**
 * The MQTT 3.1.1 return code for a CONNECT that MQTT 5 would refuse with `code`; undefined where 3.1.1 has none, and the
 * connection is closed without a CONNACK [MQTT-3.2.2-6].
 */
export function returnCodeOf(code: ReasonCode): ReturnCode | undefined {
  switch (code) {
    case reasonCodes.unsupportedProtocolVersion:
      return returnCodes.unacceptableProtocolVersion;
    case reasonCodes.clientIdentifierNotValid:
      return returnCodes.identifierRejected;
    case reasonCodes.serverUnavailable:
    case reasonCodes.serverBusy:
    case reasonCodes.quotaExceeded:
    case reasonCodes.connectionRateExceeded:
    case reasonCodes.useAnotherServer:
    case reasonCodes.serverMoved:
      return returnCodes.serverUnavailable;
    case reasonCodes.badUserNameOrPassword:
      return returnCodes.badUserNameOrPassword;
    case reasonCodes.notAuthorized:
      return returnCodes.notAuthorized;
    default:
      return undefined;
  }
}
