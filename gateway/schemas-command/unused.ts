import { existsSync, readdirSync } from 'node:fs';
import { join, resolve } from 'node:path';
import type { GatewayConfig } from '../config/schema.ts';
import { ownRecords } from '../contracts-of.ts';

/** Avro files in `schemaPaths` that neither a route nor the gateway itself writes by. */
export function unusedSchemas(config: GatewayConfig): string[] {
  const { routes, schemaPaths } = config;
  const named = [...routes, ...ownRecords(config)].map(({ schema }) => schema).filter((schema) => schema !== undefined);
  const find = (name: string) => schemaPaths.map((folder) => resolve(folder, name)).find((path) => existsSync(path));
  const used = new Set(named.map(find));
  return schemaPaths
    .filter((folder) => existsSync(folder))
    .flatMap((folder) => readdirSync(folder).map((name) => join(folder, name)))
    .filter((path) => path.endsWith('.avsc') && !used.has(path))
    .sort();
}
