import type { Connection } from './connection.ts';
import { pingresp } from './encode.ts';
import { reasonCodes } from './reason-codes.ts';
import type { Violation } from './violation.ts';

/** PINGREQ (section 3.12) → PINGRESP [MQTT-3.12.4-1]. */
export function onPingreq(connection: Connection, flags: number): Violation | undefined {
  if (flags !== 0 || connection.context.reader.remaining !== 0) {
    return { code: reasonCodes.malformedPacket, detail: 'PINGREQ with flags or content' };
  }
  connection.outgoing.send(pingresp);
  return undefined;
}
