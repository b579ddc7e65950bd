import type { SchemaRegistry } from './registry.ts';
import { RegistryClient } from './registry-client.ts';

export interface RegistrySettings {
  readonly type: 'confluent' | 'glue';
  /** Confluent only. */
  readonly url: string;
  readonly glue: { readonly region: string; readonly registryName: string; readonly endpoint: string };
  readonly timeoutMs: number;
}

/** The registry that the settings name. Asks it nothing yet. */
export async function openRegistry({ type, url, glue, timeoutMs }: RegistrySettings): Promise<SchemaRegistry> {
  if (type === 'confluent') return new RegistryClient({ url, timeoutMs });
  // AWS's SDK is large: only who uses it waits for it.
  const { GlueRegistry } = await import('./glue-registry.ts');
  return new GlueRegistry({ ...glue, timeoutMs });
}
