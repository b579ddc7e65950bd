import { HeaderTemplate } from './headers/header-template.ts';
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

  /** What `table` says of the topic. */
  match(table: RouteTable, topic: string): RouteMatch | undefined {
    if (table !== this.#table || topic !== this.#topic) {
      this.#match = table.match(topic);
      this.#table = table;
      this.#topic = topic;
    }
    return this.#match;
  }
}
