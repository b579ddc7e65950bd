import type { Cores } from '../measure/resources.ts';
import type { ConnectOptions, LoadResult, WindowOptions } from './generator.ts';

/** What the benchmark asks of its load process, one at a time. */
export type LoadRequest =
  | ({ readonly kind: 'connect' } & ConnectOptions)
  | ({ readonly kind: 'saturate' } & WindowOptions)
  | ({ readonly kind: 'pace'; readonly ratePerSecond: number } & WindowOptions);

/** Each request is answered by exactly one of these. */
export type LoadReply =
  | { readonly kind: 'done' }
  | { readonly kind: 'measured'; readonly result: LoadResult }
  | { readonly kind: 'failed'; readonly message: string };

/** First argument of the load process, as JSON: whose CPU time it reads at the edges of a window. */
export interface LoadSubject {
  readonly serverPid: number;
  readonly cores: Cores | undefined;
}
