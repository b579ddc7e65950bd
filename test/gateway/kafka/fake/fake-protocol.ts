import { Reader, Writer } from '@platformatic/kafka';

export interface Request {
  readonly apiKey: number;
  readonly apiVersion: number;
  readonly correlationId: number;
  readonly body: Reader;
}

/** Cuts a byte stream into requests (request header version 2). */
export class RequestStream {
  #bytes: Buffer = Buffer.alloc(0);

  *push(chunk: Buffer): Generator<Request> {
    this.#bytes = Buffer.concat([this.#bytes, chunk]);
    while (this.#bytes.length >= 4 && this.#bytes.length >= 4 + this.#bytes.readInt32BE(0)) {
      const end = 4 + this.#bytes.readInt32BE(0);
      const body = Reader.from(Buffer.from(this.#bytes.subarray(4, end)));
      this.#bytes = this.#bytes.subarray(end);
      const apiKey = body.readInt16();
      const apiVersion = body.readInt16();
      const correlationId = body.readInt32();
      body.readNullableString(false);
      body.readTaggedFields();
      yield { apiKey, apiVersion, correlationId, body };
    }
  }
}

/** A response with header version 1. */
export function response(correlationId: number, body: Writer): Buffer {
  const header = Writer.create().appendInt32(correlationId).appendTaggedFields();
  return header.appendFrom(body).prependLength().buffer;
}

/** ApiVersions: always with header version 0, as whoever asks does not know yet what is understood. */
export function versionsResponse(correlationId: number, maxVersions: ReadonlyMap<number, number>): Buffer {
  const body = Writer.create()
    .appendInt32(correlationId)
    .appendInt16(0)
    .appendArray([...maxVersions], (writer, [apiKey, maxVersion]) => {
      writer.appendInt16(apiKey).appendInt16(0).appendInt16(maxVersion);
    })
    .appendInt32(0)
    .appendTaggedFields();
  return body.prependLength().buffer;
}

/** One whose body ends in the middle, though its length agrees with that. */
export function cutResponse(correlationId: number, body: Writer): Buffer {
  const half = body.buffer.subarray(0, body.length >> 1);
  const header = Writer.create().appendInt32(correlationId).appendTaggedFields();
  return header.appendFrom(Writer.create().append(half)).prependLength().buffer;
}

export interface ProducedBatch {
  /** Its name, or from version 13 on its id. */
  readonly topic: string;
  readonly partition: number;
  readonly bytes: Buffer;
}

/** From this version on topics are named by their ids. */
export const produceWithIds = 13;

export function readProduce(body: Reader, version: number): ProducedBatch[] {
  const batches: ProducedBatch[] = [];
  body.readNullableString();
  if (body.readInt16() !== -1) throw new Error('acks must be all');
  body.readInt32();
  body.readArray(() => {
    const topic = version >= produceWithIds ? body.readUUID() : body.readString();
    body.readArray(() => {
      batches.push({ topic, partition: body.readInt32(), bytes: body.readBytes() });
    });
  });
  return batches;
}

export interface ProducedAnswer {
  readonly topic: string;
  readonly partition: number;
  readonly errorCode: number;
  readonly offenders?: readonly number[];
}

export function writeProduced(answers: readonly ProducedAnswer[], throttleMs: number, version: number): Writer {
  return Writer.create()
    .appendArray([...answers], (writer, { topic, partition, errorCode, offenders }) => {
      if (version >= produceWithIds) writer.appendUUID(topic);
      else writer.appendString(topic);
      writer.appendArray([partition], (inner) => {
        inner
          .appendInt32(partition)
          .appendInt16(errorCode)
          .appendInt64(0n)
          .appendInt64(-1n)
          .appendInt64(0n)
          .appendArray([...(offenders ?? [])], (errors, index) => {
            errors.appendInt32(index).appendString(null);
          })
          .appendString(null);
      });
    })
    .appendInt32(throttleMs)
    .appendTaggedFields();
}

export interface DescribedTopic {
  readonly name: string;
  readonly id: string | null;
  readonly errorCode: number;
  readonly leaders: readonly number[];
}

export function writeMetadata(
  brokers: readonly { readonly nodeId: number; readonly port: number }[],
  topics: readonly DescribedTopic[],
): Writer {
  return Writer.create()
    .appendInt32(0)
    .appendArray([...brokers], (writer, { nodeId, port }) => {
      writer.appendInt32(nodeId).appendString('127.0.0.1').appendInt32(port).appendString(null);
    })
    .appendString('fake')
    .appendInt32(1)
    .appendArray([...topics], (writer, { name, id, errorCode, leaders }) => {
      writer.appendInt16(errorCode).appendString(name).appendUUID(id).appendBoolean(false);
      writer.appendArray([...leaders], (inner, leader, partition) => {
        inner
          .appendInt16(leader < 0 ? 5 : 0)
          .appendInt32(partition)
          .appendInt32(leader)
          .appendInt32(0);
        for (let list = 0; list < 2; list++) inner.appendArray([1], (ids, id) => ids.appendInt32(id), true, false);
        inner.appendArray([], () => undefined, true, false);
      });
      writer.appendInt32(0);
    })
    .appendTaggedFields();
}

export function readMetadataTopics(body: Reader): string[] {
  return body.readArray(() => {
    body.readUUID();
    return body.readString();
  });
}

export function writeProducerId(producerId: bigint, errorCode: number): Writer {
  return Writer.create()
    .appendInt32(0)
    .appendInt16(errorCode)
    .appendInt64(producerId)
    .appendInt16(0)
    .appendTaggedFields();
}

/** DescribeConfigs: one topic, with these settings. */
export function writeConfigs(topic: string, configs: Readonly<Record<string, string>>): Writer {
  return Writer.create()
    .appendInt32(0)
    .appendArray([topic], (writer) => {
      writer.appendInt16(0).appendString(null).appendInt8(2).appendString(topic);
      writer.appendArray(Object.entries(configs), (inner, [name, value]) => {
        inner.appendString(name).appendString(value).appendBoolean(false).appendInt8(1).appendBoolean(false);
        inner
          .appendArray([], () => undefined)
          .appendInt8(5)
          .appendString(null);
      });
    })
    .appendTaggedFields();
}
