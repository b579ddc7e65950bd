import type { FastifyInstance } from 'fastify';
import type { Static } from 'typebox';
import { change } from '../changes.ts';
import type { LevelState } from '../log-level.ts';
import { logLevels } from '../log-level.ts';
import type { AdministrationOptions } from '../options.ts';
import * as schemas from '../schemas.ts';
import { operation } from './operation.ts';

const tag = 'gateway';

const shown = ({ level, configured, untilMs }: LevelState) => ({
  level,
  configured,
  ...(untilMs === undefined ? {} : { until: new Date(untilMs).toISOString() }),
});

/** The gateway itself: its settings, its log. */
export function addGateway(
  server: FastifyInstance,
  { configuration, logLevel, trail, now }: AdministrationOptions,
): void {
  server.get(
    '/v1/configuration',
    operation({
      id: 'getConfiguration',
      tag,
      scope: 'read',
      summary: 'The effective settings, secrets masked.',
      ok: [200, schemas.configuration],
    }),
    async () => configuration,
  );

  server.get(
    '/v1/log-level',
    operation({
      id: 'getLogLevel',
      tag,
      scope: 'read',
      summary: 'The level of the log.',
      ok: [200, schemas.logLevelState],
    }),
    async () => shown(logLevel.state),
  );

  server.put<{ Body: Static<typeof schemas.logLevelChange> }>(
    '/v1/log-level',
    operation({
      id: 'setLogLevel',
      tag,
      scope: 'operate',
      action: 'log_level.set',
      summary: 'Sets the level of the log, for a while or until a restart.',
      body: schemas.logLevelChange,
      ok: [200, schemas.logLevelState],
    }),
    async (request) => {
      const { forSeconds } = request.body;
      const level = logLevels.find((each) => each === request.body.level) ?? logLevel.state.level;
      return change(trail, request, level, async () => {
        const state = logLevel.set(level, forSeconds, now());
        return { result: shown(state), detail: forSeconds === undefined ? {} : { forSeconds } };
      });
    },
  );
}
