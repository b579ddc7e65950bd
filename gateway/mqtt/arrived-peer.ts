import type { Socket } from 'node:net';
import type { Peer } from '../core/limits/peer.ts';

const arrivedFrom = Symbol('arrived from');
interface ArrivedSocket extends Socket {
  [arrivedFrom]?: Peer | undefined;
}

/** Has a socket know where it came from. Looked up by its address later, it could not be found: a reset takes that away. */
export function setPeer(socket: Socket, peer: Peer | undefined): void {
  (socket as ArrivedSocket)[arrivedFrom] = peer;
}

/** Undefined where nothing is limited by that. */
export const peerOf = (socket: Socket): Peer | undefined => (socket as ArrivedSocket)[arrivedFrom];
