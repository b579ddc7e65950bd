import { inject } from 'vitest';

/** Addresses of the one Kafka broker and schema registry that all integration tests of a run share. */
export interface SharedServers {
  readonly bootstrap: string[];
  /** Base address of the registry's Confluent REST API. */
  readonly registryUrl: string;
}

declare module 'vitest' {
  interface ProvidedContext {
    sharedServers: SharedServers;
  }
}

/** The servers that the global setup of the integration project started. Tests use topics and subjects of their own. */
export function sharedServers(): SharedServers {
  return inject('sharedServers');
}
