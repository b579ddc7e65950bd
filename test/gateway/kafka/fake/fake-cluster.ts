import { randomUUID } from 'node:crypto';
import { createServer, type Server, type Socket } from 'node:net';
import {
  cutResponse,
  type DescribedTopic,
  type ProducedAnswer,
  type ProducedBatch,
  produceWithIds,
  type Request,
  RequestStream,
  readMetadataTopics,
  readProduce,
  response,
  versionsResponse,
  writeConfigs,
  writeMetadata,
  writeProduced,
  writeProducerId,
} from './fake-protocol.ts';
import { code, PartitionLog } from './partition-log.ts';

/** What a broker does with a Produce request. Errors are answered without storing, unless it says so. */
export type Act =
  | { readonly kind: 'store' }
  /** Stores, and closes the connection instead of answering. */
  | { readonly kind: 'store_and_drop' }
  | { readonly kind: 'drop' }
  /** Reads nothing further on this connection and does not answer; `late` stores it when it is called. */
  | { readonly kind: 'hang'; readonly late?: (store: () => void) => void }
  | { readonly kind: 'error'; readonly code: number; readonly alsoStores?: boolean; readonly partition?: number }
  /** Answers for all partitions but the first. */
  | { readonly kind: 'leave_first_out' }
  /** Stores, and answers with a response that ends in the middle, or that belongs to no request. */
  | { readonly kind: 'cut_answer' | 'strange_answer' }
  | { readonly kind: 'throttle'; readonly ms: number };

const store: Act = { kind: 'store' };

const api = { produce: 0, metadata: 3, initProducerId: 22, describeConfigs: 32, apiVersions: 18 };

const isId = (topic: string): boolean => /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/.test(topic);

/** Speaks enough of the protocol for a producer; brokers share logs, each partition has one leader. */
export class FakeCluster {
  readonly brokers: FakeBroker[] = [];
  readonly topics = new Map<string, PartitionLog[]>();
  /** By name; a topic that is created again has another one. */
  readonly topicIds = new Map<string, string>();
  /** Logs of topics that were deleted, in the order of their deletion. */
  readonly deleted: PartitionLog[][] = [];
  /** What brokers do with the next Produce requests, in the order of their arrival; then they store. */
  readonly script: Act[] = [];
  config: Record<string, string> = { 'min.insync.replicas': '1', 'max.message.bytes': '1048588' };
  producerIds = 0;
  /** Error codes that the next requests for a producer id are answered with. */
  readonly producerIdErrors: number[] = [];
  metadataRequests = 0;
  /** The latest version of Produce requests that its brokers take. */
  produceVersion = produceWithIds;
  /** Nodes that metadata does not mention, as when the controller has fenced them. */
  readonly fenced = new Set<number>();

  static async start(brokers: number, topics: Readonly<Record<string, number>>): Promise<FakeCluster> {
    const cluster = new FakeCluster();
    for (let nodeId = 1; nodeId <= brokers; nodeId++) cluster.brokers.push(await FakeBroker.start(nodeId, cluster));
    for (const [topic, partitions] of Object.entries(topics)) cluster.create(topic, partitions);
    return cluster;
  }

  create(topic: string, partitions: number): void {
    this.topics.set(topic, []);
    this.topicIds.set(topic, randomUUID());
    this.grow(topic, partitions);
  }

  /** Adds partitions until there are so many. */
  grow(topic: string, partitions: number): void {
    const logs = this.topics.get(topic) ?? [];
    while (logs.length < partitions) logs.push(new PartitionLog(1 + (logs.length % this.brokers.length)));
  }

  delete(topic: string): void {
    this.deleted.push(this.topics.get(topic) ?? []);
    this.topics.delete(topic);
  }

  /** What a broker says about a topic; a copy. */
  describe(name: string): DescribedTopic {
    const logs = this.topics.get(name);
    if (logs === undefined) return { name, id: null, errorCode: code.unknownTopicOrPartition, leaders: [] };
    return { name, id: this.topicIds.get(name) ?? null, errorCode: 0, leaders: logs.map(({ leader }) => leader) };
  }

  get bootstrap(): string[] {
    return this.brokers.map(({ port }) => `127.0.0.1:${port}`);
  }

  /** The logs of the topic with this name or id, as a request names it. */
  named(topic: string): PartitionLog[] | undefined {
    if (!isId(topic)) return this.topics.get(topic);
    const name = [...this.topicIds].find(([, id]) => id === topic)?.[0];
    return name === undefined ? undefined : this.topics.get(name);
  }

  log(topic: string, partition = 0): PartitionLog {
    const log = this.topics.get(topic)?.[partition];
    if (log === undefined) throw new Error(`no ${topic}/${partition}`);
    return log;
  }

  broker(nodeId: number): FakeBroker {
    return this.brokers[nodeId - 1] as FakeBroker;
  }

  nextAct(): Act {
    return this.script.shift() ?? store;
  }

  async close(): Promise<void> {
    await Promise.all(this.brokers.map((broker) => broker.stop()));
  }
}

export class FakeBroker {
  readonly nodeId: number;
  readonly #cluster: FakeCluster;
  readonly #sockets = new Set<Socket>();
  #server: Server | undefined;
  port = 0;
  /** Accepts and reads, but answers nothing at all. */
  frozen = false;
  /** How long every answer takes, as over a slow line. */
  latencyMs = 0;
  /** The leader that it names for every partition, as one that the controller can't reach any more. */
  staleLeader: number | undefined;
  /** What it says about a topic, whatever became of that, as one that lags behind. */
  stale: DescribedTopic | undefined;
  produceRequests = 0;
  /** Batches of each Produce request. */
  readonly requestSizes: number[] = [];

  private constructor(nodeId: number, cluster: FakeCluster) {
    this.nodeId = nodeId;
    this.#cluster = cluster;
  }

  static async start(nodeId: number, cluster: FakeCluster): Promise<FakeBroker> {
    const broker = new FakeBroker(nodeId, cluster);
    await broker.listen(0);
    return broker;
  }

  async listen(port: number): Promise<void> {
    const server = createServer((socket) => this.#serve(socket));
    this.#server = server;
    await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve));
    const address = server.address();
    this.port = typeof address === 'object' && address !== null ? address.port : 0;
  }

  async stop(): Promise<void> {
    const server = this.#server;
    this.#server = undefined;
    for (const socket of this.#sockets) socket.destroy();
    if (server !== undefined) await new Promise<void>((resolve) => server.close(() => resolve()));
  }

  /** Comes back on the same port, or on a new one. */
  restart(samePort: boolean): Promise<void> {
    return this.listen(samePort ? this.port : 0);
  }

  #serve(socket: Socket): void {
    const requests = new RequestStream();
    let hangs = false;
    this.#sockets.add(socket);
    socket.on('close', () => this.#sockets.delete(socket));
    socket.on('error', () => undefined);
    socket.on('data', (chunk: Buffer) => {
      for (const request of requests.push(chunk)) {
        if (hangs || this.frozen) continue;
        if (this.latencyMs === 0) hangs = this.#answer(socket, request) === 'hang';
        else setTimeout(() => void this.#answer(socket, request), this.latencyMs);
      }
    });
  }

  #answer(socket: Socket, request: Request): 'hang' | undefined {
    const { apiKey, correlationId, body } = request;
    const cluster = this.#cluster;
    if (apiKey === api.produce) return this.#produce(socket, request);
    if (apiKey === api.metadata) {
      cluster.metadataRequests += 1;
      const topics = readMetadataTopics(body).map((name) => {
        const topic = this.stale?.name === name ? this.stale : cluster.describe(name);
        return { ...topic, leaders: topic.leaders.map((leader) => this.staleLeader ?? leader) };
      });
      const brokers = cluster.brokers.filter(({ nodeId }) => !cluster.fenced.has(nodeId));
      socket.write(response(correlationId, writeMetadata(brokers, topics)));
    } else if (apiKey === api.initProducerId) {
      const errorCode = cluster.producerIdErrors.shift() ?? code.none;
      if (errorCode === code.none) cluster.producerIds += 1;
      socket.write(response(correlationId, writeProducerId(BigInt(1000 + cluster.producerIds), errorCode)));
    } else if (apiKey === api.apiVersions) {
      socket.write(versionsResponse(correlationId, new Map([[api.produce, cluster.produceVersion]])));
    } else if (apiKey === api.describeConfigs) {
      body.readUnsignedVarInt();
      body.readInt8();
      socket.write(response(correlationId, writeConfigs(body.readString(), cluster.config)));
    } else {
      socket.destroy();
    }
    return undefined;
  }

  #produce(socket: Socket, { apiVersion, correlationId, body }: Request): 'hang' | undefined {
    if (apiVersion > this.#cluster.produceVersion) throw new Error(`version ${apiVersion} was not offered`);
    const batches = readProduce(body, apiVersion);
    this.produceRequests += 1;
    this.requestSizes.push(batches.length);
    const act = this.#cluster.nextAct();
    if (act.kind === 'drop') {
      socket.destroy();
      return undefined;
    }
    if (act.kind === 'hang') {
      act.late?.(() => batches.forEach((batch) => void this.#store(batch)));
      return 'hang';
    }
    const answers = batches.map((batch) => this.#act(act, batch));
    if (act.kind === 'leave_first_out') answers.shift();
    const throttleMs = act.kind === 'throttle' ? act.ms : 0;
    if (act.kind === 'store_and_drop') socket.destroy();
    else if (act.kind === 'cut_answer') socket.write(cutResponse(correlationId, writeProduced(answers, 0, apiVersion)));
    else {
      const answeredId = act.kind === 'strange_answer' ? correlationId + 1000 : correlationId;
      socket.write(response(answeredId, writeProduced(answers, throttleMs, apiVersion)));
    }
    return undefined;
  }

  #act(act: Act, batch: ProducedBatch): ProducedAnswer {
    const { topic, partition } = batch;
    if (act.kind === 'error' && (act.partition === undefined || act.partition === partition)) {
      if (act.alsoStores === true) this.#store(batch);
      else this.#cluster.named(topic)?.[partition]?.arrivals.push(Buffer.from(batch.bytes));
      return { topic, partition, errorCode: act.code };
    }
    return this.#store(batch);
  }

  #store({ topic, partition, bytes }: ProducedBatch): ProducedAnswer {
    const logs = this.#cluster.named(topic);
    const log = logs?.[partition];
    if (log === undefined)
      return {
        topic,
        partition,
        errorCode: logs === undefined && isId(topic) ? code.unknownTopicId : code.unknownTopicOrPartition,
      };
    if (log.leader !== this.nodeId) return { topic, partition, errorCode: code.notLeader };
    return { topic, partition, ...log.append(bytes) };
  }
}
