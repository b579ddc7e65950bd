import { readFileSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import mqtt, { type MqttClient } from 'mqtt';
import { readTopic } from '../support/kafka-reader.ts';
import { telemetryPayload } from '../support/telemetry.ts';
import { type BesiegedGateway, honest } from './besieged-gateway.ts';

const pauseMs = 20;

/** A device that does everything right while others do not: it publishes at a steady rate, over TLS, in one connection. */
export class HonestSession {
  readonly #client: MqttClient;
  readonly #acknowledgements: Promise<unknown>[] = [];
  readonly #publishing: Promise<void>;
  #stopped = false;
  /** How often its connection was lost. */
  interruptions = 0;
  /** Longest wait for an acknowledgement. */
  slowestMs = 0;

  private constructor(client: MqttClient) {
    this.#client = client;
    client.on('close', () => {
      if (!this.#stopped) this.interruptions += 1;
    });
    client.on('error', () => undefined);
    this.#publishing = this.#publish();
  }

  static async begin({ ports, authority }: BesiegedGateway): Promise<HonestSession> {
    const own = await authority.issue({ kind: 'device', name: honest.deviceId, days: 1 });
    const client = await mqtt.connectAsync(`mqtts://127.0.0.1:${ports.secure}`, {
      protocolVersion: 5,
      clientId: honest.deviceId,
      ca: readFileSync(authority.certFile),
      cert: readFileSync(own.certFile),
      key: readFileSync(own.keyFile),
      reconnectPeriod: 0,
    });
    return new HonestSession(client);
  }

  async #publish(): Promise<void> {
    for (let sequence = 1; !this.#stopped; sequence += 1) {
      const sentAtMs = performance.now();
      const payload = telemetryPayload(honest.vehicleId, sequence);
      const acknowledged = this.#client
        .publishAsync(`v1/vehicles/${honest.vehicleId}/telemetry`, payload, { qos: 1 })
        .then(() => {
          this.slowestMs = Math.max(this.slowestMs, performance.now() - sentAtMs);
        });
      // Whoever waits for all of them at the end is told, and until then it is nobody's.
      acknowledged.catch(() => undefined);
      this.#acknowledgements.push(acknowledged);
      await delay(pauseMs);
    }
  }

  /** Ends it. Resolves, when every publish was acknowledged, with how many there were; rejects when one was not. */
  async end(): Promise<number> {
    this.#stopped = true;
    await this.#publishing;
    await Promise.all(this.#acknowledgements);
    await this.#client.endAsync();
    return this.#acknowledgements.length;
  }
}

/** The sequences of the honest session on Kafka, in the order in which they are there. */
export async function honestSequences(bootstrap: readonly string[], eventsTopic: string): Promise<number[]> {
  const records = await readTopic(bootstrap, eventsTopic);
  return records
    .filter(({ key }) => key === honest.vehicleId)
    .map(({ headers }) => Number(headers.ce_id?.split(':').at(-1)));
}
