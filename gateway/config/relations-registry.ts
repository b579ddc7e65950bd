import type { ConfigError } from './errors.ts';
import { joinPath } from './errors.ts';
import { showValue } from './mask.ts';
import type { GatewayConfig } from './schema.ts';

/** Relations between the schema registry and the rest. */
export function registryContradictions({ schemaRegistry, routes }: GatewayConfig): ConfigError[] {
  const { type, url, glue } = schemaRegistry;
  if (type === 'confluent') {
    if (URL.canParse(url)) return [];
    const allowed = 'an http or https address, whose user name and password are percent-encoded';
    return [{ code: 'wrong_value', setting: 'schemaRegistry.url', value: showValue(url), allowed }];
  }
  const errors: ConfigError[] = [];
  if (glue.region === '') {
    const allowed = 'the region of the registry, as schemaRegistry.type is glue';
    errors.push({ code: 'contradiction', setting: 'schemaRegistry.glue.region', value: '""', allowed });
  }
  for (const [index, { valueFormat }] of routes.entries()) {
    if (valueFormat !== 'protobuf') continue;
    const allowed = 'avro with schemaRegistry.type glue, whose Protobuf framing and imports the gateway does not write';
    errors.push({
      code: 'contradiction',
      setting: joinPath(['routes', index, 'valueFormat']),
      value: '"protobuf"',
      allowed,
    });
  }
  return errors;
}
