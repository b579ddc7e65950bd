import { createHash } from 'node:crypto';
import type { Readable } from 'node:stream';
import type { FastifyInstance } from 'fastify';
import { change, type Done } from '../changes.ts';
import { boundedBody, importTypes, rowsOf } from '../import-body.ts';
import type { AdministrationOptions } from '../options.ts';
import { Problem, type ProblemPart } from '../problem.ts';
import * as schemas from '../schemas.ts';
import { registryOf } from './devices.ts';
import { operation } from './operation.ts';

interface Imported {
  readonly added: number;
  readonly secrets: readonly { readonly deviceId: string; readonly secret: string }[];
}

/** Import of many devices. In a context of its own, as only here bodies are streams, and no JSON. */
export function addImports(server: FastifyInstance, options: AdministrationOptions): void {
  let isUnderWay = false;
  server.removeAllContentTypeParsers();
  server.addContentTypeParser([...importTypes], (_request, body, done) => done(null, body));

  server.post<{ Body: Readable | undefined }>(
    '/v1/device-imports',
    operation({
      id: 'importDevices',
      tag: 'devices',
      scope: 'admin',
      action: 'device.import',
      summary: 'Registers all devices of the body, or none; shows the secrets that were made, once.',
      consumes: importTypes,
      ok: [201, schemas.importedDevices],
    }),
    async (request, reply) => {
      const result = await change(options.trail, request, '/v1/device-imports', async () => {
        const { body } = request;
        if (body === undefined) throw new Problem('unsupported_media_type', `send ${importTypes.join(' or ')}`);
        if (isUnderWay) throw new Problem('import_under_way', 'wait for it to end; there is one at a time');
        isUnderWay = true;
        try {
          const type = request.headers['content-type'] ?? '';
          return await importAll(options, type, body, () => {
            if (request.socket.destroyed) throw new Problem('client_gone', 'nobody would have seen the secrets');
          });
        } finally {
          isUnderWay = false;
          // What is left when it was refused is taken off the line, or the client might never read the answer.
          body.resume();
        }
      });
      reply.code(201);
      return result;
    },
  );
}

async function importAll(
  options: AdministrationOptions,
  type: string,
  body: Readable,
  mayCommit: () => void,
): Promise<Done<Imported>> {
  const { maxImportBytes, maxImportDevices } = options;
  const digest = createHash('sha256');
  const bytes = boundedBody(body, maxImportBytes, (chunk) => digest.update(chunk));
  const outcome = await registryOf(options).import(rowsOf(type, bytes, maxImportDevices), mayCommit);
  if ('added' in outcome) {
    return { result: outcome, status: 201, detail: { devices: outcome.added, bodySha256: digest.digest('hex') } };
  }
  const { problems, further } = outcome;
  const parts = problems.map(
    ({ line, problem }): ProblemPart => (line > 0 ? { line, detail: problem } : { detail: problem }),
  );
  const more = further > 0 ? `; ${further} more are not listed` : '';
  throw new Problem('import_refused', `mend what is listed, and send all of it again${more}`, { parts });
}
