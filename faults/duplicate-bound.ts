/** What can explain that records are on Kafka twice. */
export interface DuplicateCauses {
  /** Times that something was sent again, from the ledger. */
  readonly resent: number;
  /** Records that the gateways say may have been stored twice. */
  readonly reported: number;
  /** What the scenario itself explains, for example by what lay in the spool at a kill. */
  readonly explained: number;
  /** Most publishes that were ever in flight at once, as the fleet saw it. */
  readonly inFlight: number;
  /** Things that were done to the system. */
  readonly faults: number;
}

export interface DuplicateBound {
  readonly all: number;
  /** Of these, the ones whose own message was not sent again as often. */
  readonly unexplained: number;
}

/**
 * Most duplicates that the faults explain. What the gateway says of itself counts only up to what can have been in flight
 * at each fault: the system under test must not excuse itself.
 */
export function duplicateBoundOf({ resent, reported, explained, inFlight, faults }: DuplicateCauses): DuplicateBound {
  const unexplained = Math.min(reported, inFlight * faults) + explained;
  return { all: resent + unexplained, unexplained };
}
