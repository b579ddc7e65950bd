import { Buffer } from 'node:buffer';
import { BlockList, isIPv6, type Socket } from 'node:net';
import { speakFor } from '../peer-address.ts';
import type { ProxyRefusal, TransportObserver } from '../transport-observer.ts';
import { readProxyHeader } from './header.ts';

/** Who may say on a listener whom a connection is from. */
export interface ProxyProtocol {
  /** Addresses and subnets: `10.0.0.0/8`, `fd00::/8`, `192.0.2.7`. */
  readonly from: readonly string[];
  /** Time from accept to the complete header. */
  readonly timeoutMs: number;
  /** Headers that are waited for at once; further sockets are closed. */
  readonly maxPending: number;
  readonly observer: TransportObserver;
}

interface Pending {
  readonly socket: Socket;
  readonly timer: NodeJS.Timeout;
}

const nothing = Buffer.alloc(0);
/** 'close' follows. */
function ignore(): void {}

/**
 * Sockets of load balancers, which begin with a header of the PROXY protocol: reads that, has the socket say the address
 * that it names, and hands the socket on, the bytes behind the header still in it. Everybody else is closed.
 */
export class ProxiedSockets {
  readonly #listener: string;
  readonly #settings: ProxyProtocol;
  readonly #balancers: BlockList;
  readonly #passed: (socket: Socket) => void;
  readonly #pending = new Set<Pending>();

  /** @param passed gets sockets that are paused. */
  constructor(listener: string, settings: ProxyProtocol, passed: (socket: Socket) => void) {
    this.#listener = listener;
    this.#settings = settings;
    this.#balancers = blockListOf(settings.from);
    this.#passed = passed;
  }

  /** Headers that are waited for. */
  get pending(): number {
    return this.#pending.size;
  }

  /** Takes a socket that was just accepted. */
  begin(socket: Socket): void {
    socket.on('error', ignore);
    const { remoteAddress } = socket;
    if (!this.#isBalancer(remoteAddress)) this.#refuse(socket, 'not_allowed', remoteAddress);
    else if (this.#pending.size >= this.#settings.maxPending) this.#refuse(socket, 'too_many', remoteAddress);
    else this.#wait(socket, remoteAddress);
  }

  /** Ends those that are waited for. */
  abandon(): void {
    for (const { socket } of this.#pending) socket.destroy();
  }

  #wait(socket: Socket, balancer: string | undefined): void {
    let bytes: Buffer = nothing;
    const timer = setTimeout(() => end('timeout'), this.#settings.timeoutMs);
    const pending: Pending = { socket, timer };
    const leave = (): void => {
      clearTimeout(timer);
      this.#pending.delete(pending);
      socket.off('data', onData).off('close', onClose);
    };
    const end = (reason: ProxyRefusal): void => {
      leave();
      this.#refuse(socket, reason, balancer);
    };
    const onClose = (): void => end('aborted');
    const onData = (chunk: Buffer): void => {
      bytes = bytes.length === 0 ? chunk : Buffer.concat([bytes, chunk]);
      const read = readProxyHeader(bytes);
      if (read.kind === 'incomplete') return;
      if (read.kind === 'refused') {
        end(read.reason);
        return;
      }
      leave();
      this.#pass(socket, read.source, bytes.subarray(read.length));
    };
    this.#pending.add(pending);
    socket.on('data', onData).on('close', onClose);
  }

  #pass(socket: Socket, source: string | undefined, rest: Buffer): void {
    // Before anything is put back: otherwise the stream would hand it out again.
    socket.pause();
    if (rest.length > 0) socket.unshift(rest);
    if (source !== undefined) speakFor(socket, source);
    this.#settings.observer.proxyHeaderTaken(this.#listener, source !== undefined);
    this.#passed(socket);
  }

  #isBalancer(address: string | undefined): boolean {
    return address !== undefined && this.#balancers.check(address, isIPv6(address) ? 'ipv6' : 'ipv4');
  }

  #refuse(socket: Socket, reason: ProxyRefusal, balancer: string | undefined): void {
    this.#settings.observer.proxyHeaderRefused(this.#listener, reason, balancer);
    socket.destroy();
  }
}

function blockListOf(subnets: readonly string[]): BlockList {
  const list = new BlockList();
  for (const subnet of subnets) {
    const [address = '', prefix] = subnet.split('/');
    const family = isIPv6(address) ? 'ipv6' : 'ipv4';
    if (prefix === undefined) list.addAddress(address, family);
    else list.addSubnet(address, Number(prefix), family);
  }
  return list;
}
