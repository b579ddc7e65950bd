import fastify, { type FastifyInstance } from 'fastify';
import { Type } from 'typebox';

/** Whether the gateway should be sent devices, and why not. */
export interface Readiness {
  readonly ready: boolean;
  /** Stable words: `starting`, `draining`, `kafka_unreachable`. Empty when ready. */
  readonly reasons: readonly string[];
}

export interface AdminOptions {
  readonly host: string;
  /** 0 takes any free port. */
  readonly port: number;
  readonly readiness: () => Readiness;
  /** Metrics in the text format of Prometheus. */
  readonly metricsText: () => Promise<string>;
  readonly metricsContentType: string;
}

const live = Type.Object({ live: Type.Literal(true) }, { additionalProperties: false });
const readiness = Type.Object(
  { ready: Type.Boolean(), reasons: Type.Array(Type.String()) },
  { additionalProperties: false },
);

/** A request is a line and some headers; nobody sends more to this server. */
const mostRequestBytes = 16_384;
const requestTimeoutMs = 10_000;

/** Health and metrics over HTTP, on an address of their own: never where devices connect. */
export class AdminServer {
  readonly #server: FastifyInstance;
  readonly #host: string;
  readonly #port: number;

  constructor({ host, port, ...options }: AdminOptions) {
    this.#host = host;
    this.#port = port;
    this.#server = fastify({
      bodyLimit: mostRequestBytes,
      requestTimeout: requestTimeoutMs,
      forceCloseConnections: true,
    });
    addRoutes(this.#server, options);
    addErrors(this.#server);
  }

  /**
   * Listens, and returns the port.
   *
   * @throws the error of `listen` (EADDRINUSE, EACCES, …).
   */
  async start(): Promise<number> {
    await this.#server.listen({ host: this.#host, port: this.#port });
    const address = this.#server.server.address();
    return typeof address === 'object' && address !== null ? address.port : this.#port;
  }

  /** Ends open requests too: a scraper that hangs must not hold up the end of the process. */
  async close(): Promise<void> {
    await this.#server.close();
  }
}

type Sources = Omit<AdminOptions, 'host' | 'port'>;

function addRoutes(server: FastifyInstance, { readiness: read, metricsText, metricsContentType }: Sources): void {
  // Alive means that the event loop turns; that is all that a restart could mend.
  server.get('/livez', { schema: { response: { 200: live } } }, () => ({ live: true }));

  server.get('/readyz', { schema: { response: { 200: readiness, 503: readiness } } }, (_request, reply) => {
    const { ready, reasons } = read();
    return reply.code(ready ? 200 : 503).send({ ready, reasons });
  });

  server.get('/metrics', async (_request, reply) => reply.type(metricsContentType).send(await metricsText()));
}

function addErrors(server: FastifyInstance): void {
  server.setNotFoundHandler({}, (_request, reply) => reply.code(404).send({ error: 'not_found' }));
  // The text of an error may hold what is nobody's business; the code is enough.
  server.setErrorHandler((error: { statusCode?: number; code?: string }, _request, reply) =>
    reply.code(error.statusCode ?? 500).send({ error: error.code ?? 'internal_error' }),
  );
}
