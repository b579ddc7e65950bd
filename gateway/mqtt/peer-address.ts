import type { Socket } from 'node:net';

const connectedTo = Symbol('connected to');
interface SpokenFor {
  [connectedTo]?: string | undefined;
}

/** Has a socket say the address of the device, not of the load balancer that it is connected to. */
export function speakFor(socket: Socket, address: string): void {
  (socket as SpokenFor)[connectedTo] = socket.remoteAddress;
  Object.defineProperty(socket, 'remoteAddress', { value: address, configurable: true });
}

/** Whom a socket is connected to itself. */
export const connectedAddress = (socket: Socket): string | undefined =>
  (socket as SpokenFor)[connectedTo] ?? socket.remoteAddress;
