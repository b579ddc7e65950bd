import type { Creation, PartitionsChange, SettingChange } from './plan.ts';
import type { ActualCluster } from './wanted.ts';

/** What the command needs of Kafka. */
export interface TopicCluster {
  /** The state of these topics; missing ones are left out. */
  read(topics: readonly string[]): Promise<ActualCluster>;
  create(change: Creation): Promise<void>;
  /** Sets all of a topic's changes in one request: all or none. */
  set(topic: string, changes: readonly SettingChange[]): Promise<void>;
  addPartitions(change: PartitionsChange): Promise<void>;
}
