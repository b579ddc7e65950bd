import type { FastifyInstance } from 'fastify';
import type { Static } from 'typebox';
import { change } from '../changes.ts';
import type { AdministrationOptions } from '../options.ts';
import { Problem } from '../problem.ts';
import * as schemas from '../schemas.ts';
import type { SessionFacts } from '../sessions.ts';
import { operation } from './operation.ts';

const tag = 'sessions';
type Params = { Params: Static<typeof schemas.sessionParams> };

const unknownSession = (): Problem => new Problem('not_found', 'there is no such session that is connected here');

const shown = <Facts extends SessionFacts>({ connectedAtMs, ...facts }: Facts) => ({
  ...facts,
  connectedAt: new Date(connectedAtMs).toISOString(),
});

/** The connected sessions of this gateway. */
export function addSessions(server: FastifyInstance, { sessions, trail }: AdministrationOptions): void {
  server.get<{ Querystring: Static<typeof schemas.sessionQuery> }>(
    '/v1/sessions',
    operation({
      id: 'listSessions',
      tag,
      scope: 'read',
      summary: 'Sessions that are connected to this gateway.',
      query: schemas.sessionQuery,
      ok: [200, schemas.sessionPage],
    }),
    async ({ query: { cursor = '', limit = schemas.usualLimit, deviceId } }) => {
      const page = sessions()?.page({ after: cursor, limit, deviceId });
      const next = page?.next;
      return { sessions: (page?.sessions ?? []).map(shown), ...(next === undefined ? {} : { nextCursor: next }) };
    },
  );

  server.get<Params>(
    '/v1/sessions/:sessionId',
    operation({
      id: 'getSession',
      tag,
      scope: 'read',
      summary: 'One of them, in detail.',
      params: schemas.sessionParams,
      ok: [200, schemas.sessionDetails],
    }),
    async ({ params: { sessionId } }) => {
      const details = sessions()?.find(sessionId);
      if (details === undefined) throw unknownSession();
      return shown(details);
    },
  );

  server.post<Params>(
    '/v1/sessions/:sessionId/disconnect',
    operation({
      id: 'disconnectSession',
      tag,
      scope: 'operate',
      action: 'session.disconnect',
      summary: 'Ends the connection; MQTT 5: DISCONNECT 0x98. The device may connect again.',
      params: schemas.sessionParams,
      ok: [200, schemas.endedSession],
    }),
    async (request) => {
      const { sessionId } = request.params;
      return change(trail, request, sessionId, async () => {
        const facts = sessions()?.find(sessionId);
        if (facts === undefined || sessions()?.disconnect(sessionId) !== true) throw unknownSession();
        return { result: { id: sessionId }, detail: { deviceId: facts.deviceId, clientId: facts.clientId } };
      });
    },
  );
}
