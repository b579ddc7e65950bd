import { isIPv6 } from 'node:net';

/** Where a gateway listens. */
export interface Address {
  readonly host: string;
  readonly port: number;
}

/** `host:port`, with brackets around an IPv6 address. */
export const addressText = ({ host, port }: Address): string => `${isIPv6(host) ? `[${host}]` : host}:${port}`;

/** `host:port` or `[IPv6]:port`; without a port only when there is a default. Undefined when it is neither. */
export function parseAddress(text: string, defaultPort?: number): Address | undefined {
  const match = /^(?:\[([0-9A-Fa-f:.]+)\]|([^:[\]\s]+))(?::(\d{1,5}))?$/.exec(text);
  const host = match?.[1] ?? match?.[2];
  const port = match?.[3] === undefined ? defaultPort : Number(match[3]);
  if (host === undefined || port === undefined || port < 1 || port > 65_535) return undefined;
  return { host, port };
}

/**
 * The gateways that a fleet may connect to. One list for all devices; it may be replaced while they run and is looked at
 * whenever a device connects.
 */
export class GatewayAddresses {
  readonly #followsAny: boolean;
  #list: readonly Address[] = [];
  #known: ReadonlySet<string> = new Set();

  /**
   * @param followsAny whether a server may refer a device to an address that is not on the list. Without it a server that
   *   is not to be trusted cannot send a fleet, with its passwords, wherever it likes.
   * @throws {RangeError} for an empty list
   */
  constructor(list: readonly Address[], followsAny = false) {
    this.#followsAny = followsAny;
    this.replace(list);
  }

  /** From now on devices connect to these. Open connections stay. */
  replace(list: readonly Address[]): void {
    if (list.length === 0) throw new RangeError('a fleet needs at least one gateway address');
    this.#list = [...list];
    this.#known = new Set(list.map(addressText));
  }

  get size(): number {
    return this.#list.length;
  }

  /** Position `index` of the list, counted round and round. */
  at(index: number): Address {
    return this.#list[index % this.#list.length] as Address;
  }

  trusts(address: Address): boolean {
    return this.#followsAny || this.#known.has(addressText(address));
  }
}

/** How a server sends a device elsewhere (MQTT 5.0 section 4.13). */
export interface Redirection {
  /** 0x9D, server moved: this address is not to be used again. 0x9C, use another server: only for now. */
  readonly isPermanent: boolean;
  /** Server Reference (section 3.2.2.3.16); undefined when the server names none. */
  readonly reference: string | undefined;
}

/** Which gateway one device connects to: round the list, with the detours that servers ask for. */
export class GatewayChoice {
  readonly #addresses: GatewayAddresses;
  #index: number;
  /** Where servers referred the device to; the first is tried now. */
  #referred: Address[] = [];
  readonly #moved = new Set<string>();

  /** @param start position of the list that the device begins with, so that a fleet spreads over its gateways. */
  constructor(addresses: GatewayAddresses, start: number) {
    this.#addresses = addresses;
    this.#index = start;
  }

  get current(): Address {
    return this.#referred[0] ?? this.#addresses.at(this.#index);
  }

  /** The current address failed, or its connection was lost: the next one is current. */
  next(): void {
    if (this.#referred.shift() && this.#referred.length > 0) return;
    this.#advance();
  }

  /** The server at the current address asks to go elsewhere: to where it says, if that is trusted, else to the next. */
  redirect({ isPermanent, reference }: Redirection): void {
    const from = this.current;
    if (isPermanent) this.#moved.add(addressText(from));
    const named = (reference ?? '').split(' ').flatMap((text) => parseAddress(text, from.port) ?? []);
    const trusted = named.filter((address) => this.#addresses.trusts(address));
    for (const address of trusted) this.#moved.delete(addressText(address));
    // Several references: the client chooses. Each device begins at one of its own, so that a fleet spreads.
    const first = trusted.length === 0 ? 0 : this.#index % trusted.length;
    this.#referred = [...trusted.slice(first), ...trusted.slice(0, first)];
    if (this.#referred.length === 0) this.#advance();
  }

  #advance(): void {
    const { size } = this.#addresses;
    for (let step = 1; step <= size; step += 1) {
      if (this.#moved.has(addressText(this.#addresses.at(this.#index + step)))) continue;
      this.#index += step;
      return;
    }
    // Every gateway has said that it moved: then none of them is worse than another.
    this.#moved.clear();
    this.#index += 1;
  }
}
