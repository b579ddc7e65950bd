/** First argument of the baseline's process, as JSON. */
export interface BaselineOptions {
  /** `host:port` of brokers. */
  readonly bootstrap: readonly string[];
  /** Kafka topic that the records go to. */
  readonly topic: string;
  readonly lingerMs: number;
}
