import { setTimeout as delay } from 'node:timers/promises';
import mqtt from 'mqtt';

/** How long a device with the shortest usual keep-alive waits for its ping. */
const PING_DEADLINE_MS = 5000;
/** Many times what two ways to Kafka take under latency. */
const PUBACK_DEADLINE_MS = 20_000;

/** Whom a quiet device connects to, and as whom. */
export interface QuietWorld {
  readonly gateway: { readonly port: number };
  readonly quiet: { readonly deviceId: string; readonly vehicleId: string; readonly secret: string };
}

async function connect(port: number, deviceId: string, secret: string): Promise<mqtt.MqttClient> {
  const client = await mqtt.connectAsync(`mqtt://127.0.0.1:${port}`, {
    protocolVersion: 5,
    clientId: deviceId,
    username: deviceId,
    password: secret,
    reconnectPeriod: 0,
    // Only the pings that are sent on purpose.
    keepalive: 0,
  });
  return client.on('error', () => undefined);
}

/** A device with little to say: its pings are to be answered, and the few publishes that it has. */
export class QuietDevice implements AsyncDisposable {
  readonly #client: mqtt.MqttClient;
  readonly #vehicleId: string;

  private constructor(client: mqtt.MqttClient, vehicleId: string) {
    this.#client = client;
    this.#vehicleId = vehicleId;
  }

  static async connect({ gateway, quiet }: QuietWorld): Promise<QuietDevice> {
    return new QuietDevice(await connect(gateway.port, quiet.deviceId, quiet.secret), quiet.vehicleId);
  }

  /** Tries with a wrong secret, which the gateway logs. Resolves to whether it was refused. */
  static async isRefused({ gateway, quiet }: QuietWorld): Promise<boolean> {
    try {
      const client = await connect(gateway.port, quiet.deviceId, 'wrong');
      await client.endAsync(true);
      return false;
    } catch {
      return true;
    }
  }

  /** Sends PINGREQ. Resolves to whether PINGRESP came in time. */
  ping(): Promise<boolean> {
    const client = this.#client;
    return new Promise((resolve) => {
      const answered = (packet: { cmd: string }): void => {
        if (packet.cmd === 'pingresp') end(true);
      };
      const timer = setTimeout(() => end(false), PING_DEADLINE_MS);
      const end = (inTime: boolean): void => {
        clearTimeout(timer);
        client.off('packetreceive', answered);
        resolve(inTime);
      };
      client.on('packetreceive', answered);
      client.sendPing();
    });
  }

  /**
   * Publishes one answer to a command, at QoS 1; on the route for raw bytes, so that the fleet's topics stay its own.
   * Resolves to whether PUBACK came in time.
   */
  async publish(number: number): Promise<boolean> {
    const topic = `v1/vehicles/${this.#vehicleId}/commands/quiet${number}/ack`;
    const answered = this.#client.publishAsync(topic, 'done', { qos: 1 }).then(
      () => true,
      () => false,
    );
    return await Promise.race([answered, delay(PUBACK_DEADLINE_MS, false, { ref: false })]);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#client.endAsync(true);
  }
}
