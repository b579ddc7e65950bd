import type { ConsumerFigures } from '../measured.ts';

/** First argument of the consumer's process, as JSON. */
export interface ConsumerSubject {
  readonly bootstrap: readonly string[];
  readonly topic: string;
}

/** What the study asks of its consumer, one at a time. Times in milliseconds since the epoch. */
export type ConsumerRequest =
  | { readonly kind: 'expect'; readonly fromMs: number; readonly toMs: number }
  /** Report as soon as this many records have arrived since the consumer began. */
  | { readonly kind: 'report'; readonly arrived: number };

export type ConsumerReply =
  | { readonly kind: 'ready' }
  | { readonly kind: 'expecting' }
  | { readonly kind: 'reported'; readonly arrived: number; readonly figures: ConsumerFigures }
  | { readonly kind: 'failed'; readonly message: string };
