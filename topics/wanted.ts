/** A topic as the file wants it. */
export interface WantedTopic {
  readonly name: string;
  readonly partitions: number;
  readonly replication: number;
  /** Settings by their Kafka names, as Kafka's text. */
  readonly settings: ReadonlyMap<string, string>;
  readonly owner: string;
  readonly purpose: string;
}

/** A setting as the cluster has it. */
export interface ActualSetting {
  readonly value: string;
  /** Set at the topic itself; false: it comes from the brokers, and changes with them. */
  readonly own: boolean;
}

/** A topic as the cluster has it. */
export interface ActualTopic {
  readonly partitions: number;
  /** Replicas of the partition that has the fewest. */
  readonly replication: number;
  /** Replicas of the partition that has the most; differs while partitions are reassigned, or were by halves. */
  readonly mostReplicas: number;
  readonly settings: ReadonlyMap<string, ActualSetting>;
}

/** What the cluster has of the wanted topics, and how many others. */
export interface ActualCluster {
  readonly brokers: number;
  readonly topics: ReadonlyMap<string, ActualTopic>;
  /** Names of topics that the file does not hold, Kafka's internal ones left out. */
  readonly others: readonly string[];
}
