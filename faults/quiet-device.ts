import mqtt from 'mqtt';

/** How long a device with the shortest usual keep-alive waits for its ping. */
const PING_DEADLINE_MS = 5000;

/** Whom a quiet device connects to, and as whom. */
export interface QuietWorld {
  readonly gateway: { readonly port: number };
  readonly quiet: { readonly deviceId: string; readonly secret: string };
}

/** A device that publishes nothing: all it wants is that its pings are answered. */
export class QuietDevice implements AsyncDisposable {
  readonly #client: mqtt.MqttClient;

  private constructor(client: mqtt.MqttClient) {
    this.#client = client;
  }

  static async connect({ gateway, quiet }: QuietWorld): Promise<QuietDevice> {
    const client = await mqtt.connectAsync(`mqtt://127.0.0.1:${gateway.port}`, {
      protocolVersion: 5,
      clientId: quiet.deviceId,
      username: quiet.deviceId,
      password: quiet.secret,
      reconnectPeriod: 0,
      // Only the pings below.
      keepalive: 0,
    });
    client.on('error', () => undefined);
    return new QuietDevice(client);
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

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#client.endAsync(true);
  }
}
