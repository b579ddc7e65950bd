import mqtt from 'mqtt';
import { encodeMessage } from '../../support/telemetry.ts';

export interface VehicleOptions {
  readonly port: number;
  readonly vehicleId: string;
  /** Its n-th report, from 0; the same at each call. */
  readonly report: (sequence: number) => object;
}

/** Publishes without an answer at a time; more than one, so that a kill finds some whose records are under way. */
const window = 4;
const reconnectMs = 100;

/**
 * A vehicle that publishes its reports one after the other with QoS 1, without end, and after each loss of its connection
 * sends again, in order, what was not acknowledged. A client per connection: nothing of MQTT.js's own sending again.
 */
export class PersistentVehicle {
  readonly #options: VehicleOptions;
  /** Sequences up to here are acknowledged: answers come in the order of the publishes. */
  acknowledged = 0;
  #sent = 0;
  #last = Number.POSITIVE_INFINITY;
  #client: mqtt.MqttClient | undefined;
  readonly #ended: Promise<void>;
  #end: () => void = () => {};

  constructor(options: VehicleOptions) {
    this.#options = options;
    this.#ended = new Promise((resolve) => {
      this.#end = resolve;
    });
    this.#connect();
  }

  /** Sequences that have been sent over the present or the last connection, and have no answer. */
  get unacknowledged(): number[] {
    return Array.from({ length: Math.max(0, this.#sent - this.acknowledged) }, (_, index) => this.acknowledged + index);
  }

  /** Publishes `more` further reports and no others; resolves when all are acknowledged and it has disconnected. */
  async finish(more: number): Promise<void> {
    this.#last = this.#sent + more;
    this.#publish();
    await this.#ended;
  }

  /** Ends it at once, whatever is acknowledged. */
  abandon(): void {
    this.#last = -1;
    this.#client?.end(true);
  }

  #connect(): void {
    const { port, vehicleId } = this.#options;
    const client = mqtt.connect(`mqtt://127.0.0.1:${port}`, {
      ...{ protocolVersion: 5, clientId: vehicleId, clean: true, reconnectPeriod: 0, connectTimeout: 5000 },
    });
    this.#client = client;
    client.on('error', () => {});
    client.on('connect', () => {
      this.#sent = this.acknowledged;
      this.#publish();
    });
    client.on('close', () => {
      if (this.#client !== client || this.#last < 0) return;
      this.#client = undefined;
      setTimeout(() => this.#connect(), reconnectMs);
    });
  }

  #publish(): void {
    const client = this.#client;
    if (client === undefined || !client.connected) return;
    const { vehicleId, report } = this.#options;
    while (this.#sent < this.#last && this.#sent - this.acknowledged < window) {
      const sequence = this.#sent;
      this.#sent += 1;
      const payload = encodeMessage('VehicleTelemetry', report(sequence));
      client.publish(`v1/vehicles/${vehicleId}/telemetry`, payload, { qos: 1 }, (error) => {
        if (error || this.#client !== client) return;
        this.acknowledged = Math.max(this.acknowledged, sequence + 1);
        this.#publish();
      });
    }
    if (this.acknowledged < this.#last) return;
    this.#client = undefined;
    client.end(true, () => this.#end());
  }
}
