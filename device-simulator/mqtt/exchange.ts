import { type MqttVersion, packetType, pubrelFrame } from './frames.ts';
import type { OutboundMessage, Outbox } from './outbox.ts';

/** What becomes of a device's messages. All calls are synchronous; none may throw. */
export interface ExchangeObserver {
  /** The server has taken it for good: PUBACK, or PUBREC for QoS 2. Told once for each message. */
  acknowledged(device: number, message: OutboundMessage): void;
  /** MQTT 5: PUBACK or PUBREC with a reason code of 0x80 or more. */
  rejected(device: number, message: OutboundMessage, code: number): void;
}

/** The answers to one device's messages: PUBACK ends QoS 1 (MQTT 5.0 section 4.3.2), PUBREC and PUBCOMP QoS 2 (4.3.3). */
export class Exchange {
  readonly #device: number;
  readonly #version: MqttVersion;
  readonly #outbox: Outbox;
  readonly #observer: ExchangeObserver;

  constructor(device: number, version: MqttVersion, outbox: Outbox, observer: ExchangeObserver) {
    this.#device = device;
    this.#version = version;
    this.#outbox = outbox;
    this.#observer = observer;
  }

  /** Takes a packet of any type. Returns the bytes to answer with, if there are any. */
  handle(frame: Buffer, bodyOffset: number): Buffer | undefined {
    const type = (frame[0] as number) >> 4;
    if (frame.length < bodyOffset + 2) return undefined;
    if (type === packetType.puback) this.#puback(frame, bodyOffset);
    else if (type === packetType.pubrec) return this.#pubrec(frame, bodyOffset);
    // Whatever its reason code: the message was the server's since PUBREC.
    else if (type === packetType.pubcomp) this.#outbox.settle(frame.readUInt16BE(bodyOffset));
    return undefined;
  }

  #puback(frame: Buffer, bodyOffset: number): void {
    const message = this.#outbox.settle(frame.readUInt16BE(bodyOffset));
    if (!message) return;
    const code = this.#reasonCode(frame, bodyOffset);
    if (code < 0x80) this.#observer.acknowledged(this.#device, message);
    else this.#observer.rejected(this.#device, message, code);
  }

  #pubrec(frame: Buffer, bodyOffset: number): Buffer | undefined {
    const packetId = frame.readUInt16BE(bodyOffset);
    const code = this.#reasonCode(frame, bodyOffset);
    const message = this.#outbox.find(packetId);
    if (message && code >= 0x80) {
      // A refusal ends the exchange; PUBREL does not follow [MQTT-4.3.3-4].
      this.#outbox.settle(packetId);
      this.#observer.rejected(this.#device, message, code);
      return undefined;
    }
    if (message && !message.released) {
      message.released = true;
      this.#observer.acknowledged(this.#device, message);
    }
    return pubrelFrame(packetId);
  }

  /** MQTT 5.0 section 3.4.2.1: without a reason code, success. */
  #reasonCode(frame: Buffer, bodyOffset: number): number {
    return this.#version === 5 ? (frame[bodyOffset + 2] ?? 0) : 0;
  }
}
