import { HeaderTemplate } from './headers/header-template.ts';
import type { Identity } from './identity.ts';
import type { RouteMatch, RouteTable } from './route-table.ts';

/**
 * What the stages remember of a connection's last publish, to do less for the next one: most devices say the same kind of
 * thing on the same topic all day. It decides nothing: each part of it says whether it holds for the publish at hand.
 */
export class Recall {
  readonly headers = new HeaderTemplate();
  #table: RouteTable | undefined;
  #topic = '';
  #match: RouteMatch | undefined;
  /** Under which generation of rules the topic was allowed, and to whom; 0: not yet. A number, as old rules must go. */
  #allowedUnder = 0;
  #allowedTo: Identity | undefined;

  /** What `table` says of the topic. */
  match(table: RouteTable, topic: string): RouteMatch | undefined {
    if (table !== this.#table || topic !== this.#topic) {
      this.#match = table.match(topic);
      this.#table = table;
      this.#topic = topic;
      this.#allowedUnder = 0;
    }
    return this.#match;
  }

  /** Whether the rules of this generation, and not those before a reload, have allowed the device the topic of the last `match`. */
  isAllowed(generation: number, identity: Identity): boolean {
    return generation === this.#allowedUnder && identity === this.#allowedTo;
  }

  /** The device may publish to the topic of the last `match`. */
  allow(generation: number, identity: Identity): void {
    this.#allowedUnder = generation;
    this.#allowedTo = identity;
  }
}
