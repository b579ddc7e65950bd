import type { NeededAcl } from './needed.ts';

/** A rule of the cluster, as far as it matters here. */
export interface ActualAcl {
  readonly resource: 'topic' | 'cluster';
  readonly name: string;
  /** `prefixed`: for all topics whose names begin so. `*` as a literal name: for all. */
  readonly pattern: 'literal' | 'prefixed';
  /** `User:name`; `User:*`: everybody. */
  readonly principal: string;
  /** `*`: from anywhere. */
  readonly host: string;
  /** `All`, or an operation by its name. */
  readonly operation: string;
  readonly allows: boolean;
}

/** What the command needs of Kafka. */
export interface AclCluster {
  /** Whether brokers are so old that they want IdempotentWrite. */
  wantsIdempotentWrite(): Promise<boolean>;
  read(): Promise<ActualAcl[]>;
  allow(principal: string, acls: readonly NeededAcl[]): Promise<void>;
}
