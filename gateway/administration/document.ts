import swagger from '@fastify/swagger';
import type { FastifyInstance } from 'fastify';
import { operation, schemeName } from './routes/operation.ts';
import { configuration } from './schemas.ts';

const description = `Every operation needs a token (\`npm run admin-tokens\`), whose scope must reach: \`read\`, \`operate\` (also
what read may), \`admin\` (all). Times are RFC 3339 in UTC. Errors are problems of RFC 9457. Every change and every denial
leaves an audit record.`;

/** Has the document be made from the routes that are added after this. */
export function addDocument(server: FastifyInstance): void {
  server.register(swagger, {
    openapi: {
      openapi: '3.1.0',
      info: { title: 'Edge Ingest Gateway: administration', version: '1', description },
      components: {
        securitySchemes: { [schemeName]: { type: 'http', scheme: 'bearer', description: 'eig_…' } },
      },
    },
  });
  server.register(async (instance) => {
    instance.get(
      '/openapi.json',
      operation({
        id: 'getDocument',
        tag: 'gateway',
        scope: 'read',
        summary: 'This document.',
        ok: [200, configuration],
      }),
      async () => server.swagger(),
    );
  });
}
