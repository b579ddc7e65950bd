import { describe, expect, it } from 'vitest';
import { describeConfigError } from '../../../gateway/config/errors.ts';
import { loadConfig } from '../../../gateway/config/load.ts';
import { defaultRoutes } from '../../../gateway/core/default-routes.ts';
import { compatibilityModes } from '../../../gateway/schema-registry/compatibility.ts';

const problems = (settings: object): string[] => {
  const result = loadConfig({ settings, env: {} });
  return result.ok ? [] : result.errors.map(describeConfigError);
};
const glue = { type: 'glue', glue: { region: 'eu-central-1' } };

describe('the settings of the schema registry', () => {
  it('take AWS Glue with its region', () => {
    expect(problems({ schemaRegistry: glue })).toEqual([]);
  });

  it('refuse Glue without a region', () => {
    expect(problems({ schemaRegistry: { type: 'glue' } })).toEqual([
      expect.stringMatching(/^schemaRegistry\.glue\.region: "" contradicts .* schemaRegistry\.type is glue$/),
    ]);
  });

  it('refuse values in Protobuf with Glue, and name the route', () => {
    const [route] = defaultRoutes;
    expect(problems({ schemaRegistry: glue, routes: [{ ...route, valueFormat: 'protobuf' }] })).toEqual([
      expect.stringMatching(
        /^routes\[0\]\.valueFormat: "protobuf" contradicts .*: avro with schemaRegistry\.type glue/,
      ),
    ]);
  });

  it('refuse an address that is none', () => {
    expect(problems({ schemaRegistry: { ...glue, glue: { region: 'r', endpoint: 'ftp://x' } } })).toHaveLength(1);
    expect(problems({ schemaRegistry: { url: 'http://:' } })).toHaveLength(1);
  });

  it('know every mode that schemas can be compared under', () => {
    for (const compatibility of compatibilityModes) expect(problems({ schemaRegistry: { compatibility } })).toEqual([]);
    expect(problems({ schemaRegistry: { compatibility: 'SIDEWAYS' } })).toHaveLength(1);
  });
});
