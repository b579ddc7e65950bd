import confluent from '@kafkajs/confluent-schema-registry';

/** What a consumer of another house reads values with: neither its client nor its framing is ours. */
export interface IndependentReader {
  /** With the schema that the value names; or, Avro only, into that of a reader. */
  decode(value: Buffer | null, readerSchema?: object): Promise<Record<string, unknown>>;
}

export function independentReader(registryUrl: string): IndependentReader {
  const registry = new confluent.SchemaRegistry({ host: registryUrl });
  return {
    decode: async (value, readerSchema) => {
      const options = readerSchema && { [confluent.SchemaType.AVRO]: { readerSchema: readerSchema as never } };
      const record: unknown = await registry.decode(value as Buffer, options);
      return JSON.parse(JSON.stringify(record)) as Record<string, unknown>;
    },
  };
}
