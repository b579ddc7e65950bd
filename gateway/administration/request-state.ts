import type { FastifyRequest } from 'fastify';
import type { Scope } from './scopes.ts';
import type { Actor } from './tokens/authenticate.ts';

/** What a route says about itself, in its `config`. */
export interface RouteMarks {
  readonly scope: Scope;
  /** Only where something is changed: the stable word for it in audit records. */
  readonly action?: string;
}

/** What is known of a request while it is served. */
export interface RequestState {
  actor?: Actor;
  /** There is a record of its attempt, and there will be one of how it ended. */
  isRecorded?: boolean;
  /** The change that it asks for is made, or not, and it is about to be answered. */
  isEnding?: boolean;
}

const states = new WeakMap<FastifyRequest, RequestState>();

export function stateOf(request: FastifyRequest): RequestState {
  const known = states.get(request);
  if (known !== undefined) return known;
  const state = {};
  states.set(request, state);
  return state;
}

/** Undefined where there is no such route. */
export const marksOf = (request: FastifyRequest): RouteMarks | undefined => {
  const config = request.routeOptions.config as Partial<RouteMarks>;
  return config.scope === undefined ? undefined : { ...config, scope: config.scope };
};

/** Where a request has come from. Nobody knows any more once its socket is gone, which may be before it is judged. */
export const addressOf = ({ ip }: { readonly ip: string | undefined }): string => ip ?? 'unknown';

/** The line of the request, for records of what has no better name: as it was sent, still encoded. */
export const requestLine = ({ method, raw }: FastifyRequest): string => `${method} ${raw.url ?? ''}`;
