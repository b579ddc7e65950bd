import { randomUUID } from 'node:crypto';
import { createServer, type Server, type ServerOptions } from 'node:http';
import { createServer as createSecureServer, Server as SecureServer } from 'node:https';
import type { Socket } from 'node:net';
import type { SecureContextOptions } from 'node:tls';
import fastify, { type FastifyError, type FastifyInstance, type FastifyReply, type FastifyRequest } from 'fastify';
import { recordMalformed } from './changes.ts';
import { addDocument } from './document.ts';
import { guardOf } from './guard.ts';
import { OpenAnswers } from './open-answers.ts';
import type { AdministrationOptions } from './options.ts';
import { Problem, problemBody, problemOf, problemType, sendProblem } from './problem.ts';
import { addDeviceChanges, addSecrets } from './routes/device-changes.ts';
import { addDeviceLife, addDeviceReads } from './routes/devices.ts';
import { addGateway } from './routes/gateway.ts';
import { addImports } from './routes/imports.ts';
import { addSessions } from './routes/sessions.ts';
import { validatorCompiler } from './validation.ts';

export interface AdministrationServerOptions extends AdministrationOptions {
  readonly host: string;
  /** 0 takes any free one. */
  readonly port: number;
  /** Undefined: plain HTTP. */
  readonly tls: SecureContextOptions | undefined;
}

const maxBodyBytes = 16_384;
/** The line and the headers of a request. */
const maxHeaderBytes = 8_192;
/** More than any id of a device or session, encoded. */
const maxParamLength = 4_096;
const headersTimeoutMs = 10_000;
const keepAliveTimeoutMs = 5_000;
/** A few people and their tools. */
const maxConnections = 128;
const maxRequestsPerSocket = 1_000;
/** Time for changes under way when it is closed: more than any takes but a large import. */
const usualSettleMs = 5_000;
/** And for their answers to get out. */
const answersMs = 1_000;

/** The administration API: HTTP of its own, on an address of its own. */
export class AdministrationServer {
  readonly #server: FastifyInstance;
  readonly #host: string;
  readonly #port: number;

  constructor(options: AdministrationServerOptions) {
    this.#host = options.host;
    this.#port = options.port;
    this.#server = createAdministration(options, options.tls);
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

  /** Shows another certificate from now on; connections stay. */
  useTls(context: SecureContextOptions): void {
    const server: Server = this.#server.server;
    if (server instanceof SecureServer) server.setSecureContext(context);
  }

  /**
   * Takes no requests any more, and lets those end that change something: their outcome is on record, or that nobody knows
   * it. All others are cut off.
   */
  async close(): Promise<void> {
    await this.#server.close();
  }
}

/** The API without its address, which tests talk to directly. */
export function createAdministration(options: AdministrationOptions, tls?: SecureContextOptions): FastifyInstance {
  const guard = guardOf(options);
  const server = fastify({
    serverFactory: (handler) => httpServer(handler, options.requestTimeoutMs, tls),
    clientErrorHandler: answerBrokenRequest,
    frameworkErrors: (error, request, reply) => {
      // Neither hooks nor handlers are asked about an address that can't be read.
      guard(request as FastifyRequest).then(
        () => sendError(options, error, request as FastifyRequest, reply as FastifyReply),
        (refusal: unknown) => sendError(options, refusal, request as FastifyRequest, reply as FastifyReply),
      );
    },
    bodyLimit: maxBodyBytes,
    routerOptions: { maxParamLength },
    exposeHeadRoutes: false,
    forceCloseConnections: true,
    genReqId: () => randomUUID(),
    requestIdHeader: false,
  });
  server.setValidatorCompiler(validatorCompiler);
  server.removeContentTypeParser('text/plain');
  server.addHook('onRequest', async (request, reply) => {
    reply.headers(headersAlways);
    await guard(request);
  });
  const answers = new OpenAnswers(server);
  server.addHook('preClose', async () => {
    await options.trail.settle(options.settleMs ?? usualSettleMs);
    await answers.changesAnswered(answersMs);
  });
  server.addHook('onResponse', async (_request, reply) => options.observer.answered(reply.statusCode));
  server.setNotFoundHandler(() => {
    throw new Problem('not_found', 'what there is, is in /openapi.json');
  });
  server.setErrorHandler((error: FastifyError, request, reply) => sendError(options, error, request, reply));
  addDocument(server);
  server.register(async (instance) => {
    addDeviceReads(instance, options);
    addDeviceLife(instance, options);
    addSecrets(instance, options);
    addSessions(instance, options);
    addGateway(instance, options);
  });
  server.register(async (instance) => addDeviceChanges(instance, options));
  server.register(async (instance) => addImports(instance, options));
  return server;
}

/** Nothing of it is for caches, nor to be taken for anything else than it says; and no other site's scripts read it. */
const headersAlways = { 'cache-control': 'no-store', 'x-content-type-options': 'nosniff' };

type Handler = (request: import('node:http').IncomingMessage, response: import('node:http').ServerResponse) => void;

function httpServer(handler: Handler, requestTimeoutMs: number, tls: SecureContextOptions | undefined): Server {
  const options: ServerOptions = {
    maxHeaderSize: maxHeaderBytes,
    headersTimeout: Math.min(headersTimeoutMs, requestTimeoutMs),
    requestTimeout: requestTimeoutMs,
    keepAliveTimeout: keepAliveTimeoutMs,
    connectionsCheckingInterval: 1000,
  };
  const server: Server =
    tls === undefined ? createServer(options, handler) : createSecureServer({ ...options, ...tls }, handler);
  // Asked once, it is kept, and still known when the peer has gone.
  server.on(tls === undefined ? 'connection' : 'secureConnection', (socket: Socket) => socket.remoteAddress);
  server.maxConnections = maxConnections;
  server.maxRequestsPerSocket = maxRequestsPerSocket;
  return server;
}

async function sendError(
  { trail, observer }: AdministrationOptions,
  error: unknown,
  request: FastifyRequest,
  reply: FastifyReply,
): Promise<FastifyReply> {
  const problem = problemOf(error);
  if (problem === undefined) observer.failed(request.id, error);
  else await recordMalformed(trail, request, problem);
  const told =
    problem ?? new Problem('internal_error', 'the log of the gateway says more, under the id of this request');
  return sendProblem(reply.headers(headersAlways), told);
}

const brokenRequests: Readonly<Record<string, Problem>> = {
  HPE_HEADER_OVERFLOW: new Problem(
    'headers_too_large',
    `the address and the headers take at most ${maxHeaderBytes} bytes`,
  ),
  ERR_HTTP_REQUEST_TIMEOUT: new Problem('timed_out', 'send it faster'),
};

/** What is not HTTP, or does not come to its end: nobody knows what was asked for. */
function answerBrokenRequest(error: { readonly code?: string }, socket: Socket): void {
  if (error.code === 'ECONNRESET' || socket.destroyed || !socket.writable) {
    socket.destroy();
    return;
  }
  const problem = brokenRequests[error.code ?? ''] ?? new Problem('invalid_request', 'this is no request of HTTP/1.1');
  const body = problemBody(problem, randomUUID());
  const lines = [
    `HTTP/1.1 ${problem.statusCode} Error`,
    `Content-Type: ${problemType}`,
    `Content-Length: ${Buffer.byteLength(body)}`,
    'Cache-Control: no-store',
    'Connection: close',
  ];
  socket.end(`${lines.join('\r\n')}\r\n\r\n${body}`);
}
