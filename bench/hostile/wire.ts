import { connect as connectPlain, type Socket } from 'node:net';
import { type ConnectionOptions, connect as connectSecure } from 'node:tls';
import mqttPacket from 'mqtt-packet';

export interface Login {
  readonly deviceId: string;
  readonly password: string;
}

/** Where a client goes, and from where. TLS when it has options for it. */
export interface Route {
  readonly port: number;
  readonly localAddress: string;
  readonly tls?: ConnectionOptions | undefined;
}

const host = '127.0.0.1';

/** A connection that is about to be made. */
export const dial = ({ port, localAddress, tls }: Route): Socket =>
  tls === undefined
    ? connectPlain({ host, port, localAddress, noDelay: true })
    : // Node takes the local address here as well; its types do not know that.
      connectSecure(Object.assign({ ...tls, host, port }, { localAddress }));

export const connectFrame = ({ deviceId, password }: Login, clientId: string = deviceId): Buffer =>
  mqttPacket.generate({
    cmd: 'connect',
    protocolId: 'MQTT',
    protocolVersion: 5,
    clientId,
    clean: true,
    keepalive: 600,
    username: deviceId,
    password: Buffer.from(password),
  });

/** What a login came to: the reason code of CONNACK, in hexadecimal, or that the socket was closed without one. */
export type LoginAnswer = `0x${string}` | 'closed';

const accepted = 0;

/**
 * Sends CONNECT and waits for what it comes to. With `keep`, and accepted, the socket stays open, and is read by nobody.
 * Resolves always.
 */
export function logIn(
  route: Route,
  login: Login,
  keep = false,
  clientId: string = login.deviceId,
): Promise<{ answer: LoginAnswer; socket: Socket }> {
  const socket = dial(route);
  socket.once('connect', () => socket.write(connectFrame(login, clientId)));
  return new Promise((resolve) => {
    const done = (answer: LoginAnswer): void => {
      socket.off('data', onData).off('close', onClose);
      if (!keep || answer !== '0x00') socket.destroy();
      resolve({ answer, socket });
    };
    // Fixed header, flags, reason code: they come in one segment.
    const onData = (chunk: Buffer): void => done(`0x${(chunk[3] ?? accepted).toString(16).padStart(2, '0')}`);
    const onClose = (): void => done('closed');
    socket.on('error', () => {});
    socket.on('data', onData).on('close', onClose);
  });
}
