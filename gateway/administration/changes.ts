import type { FastifyRequest } from 'fastify';
import type { AttemptedChange } from './audit/attempts.ts';
import type { AuditDetail } from './audit/audit-record.ts';
import type { AuditTrail } from './audit/audit-trail.ts';
import { Problem, problemOf } from './problem.ts';
import { addressOf, marksOf, requestLine, stateOf } from './request-state.ts';

/** What a change came to. */
export interface Done<Result> {
  readonly result: Result;
  /** Of the answer, where it is not 200. */
  readonly status?: number;
  /** For its record. Nothing secret. */
  readonly detail?: AuditDetail;
}

/**
 * Makes a change with its records: that it is about to be made is on the disk before it begins, so that nothing is ever
 * changed of which no record tells; how it ended is told by a second one.
 *
 * @param target what it is about.
 * @param wanted what is asked for, where the target does not say it: should nobody ever know how it ended, it was this.
 * @throws {Problem} `audit_unavailable`, nothing being changed, when the first record can't be written; `shutting_down`,
 * likewise, when the gateway is about to go; else what `work` throws. Where only the second can't be written the change is
 * made, and answered as made: the first one tells of it.
 */
export async function change<Result>(
  trail: AuditTrail,
  request: FastifyRequest,
  target: string,
  work: () => Promise<Done<Result>>,
  wanted?: AuditDetail,
): Promise<Result> {
  const entry = { ...entryOf(request, target), ...(wanted === undefined ? {} : { detail: wanted }) };
  const attempt = await trail.attempt(entry).catch(() => {
    throw new Problem(
      'audit_unavailable',
      'nothing was changed; the log of the gateway says what is wrong with the file',
    );
  });
  if (attempt === undefined) throw new Problem('shutting_down', 'nothing was changed; ask another gateway');
  const state = stateOf(request);
  state.isRecorded = true;
  try {
    const { result, status = 200, detail = {} } = await work();
    state.isEnding = true;
    await attempt.ended('succeeded', status, detail);
    return result;
  } catch (error) {
    const problem = problemOf(error);
    const status = problem?.statusCode ?? 500;
    const outcome = status < 500 ? 'refused' : 'failed';
    state.isEnding = true;
    await attempt.ended(outcome, status, { problem: problem?.kind ?? 'internal_error' });
    throw error;
  }
}

/** Leaves a record of a request to change something that was not right in its form, so that nothing was attempted. */
export async function recordMalformed(trail: AuditTrail, request: FastifyRequest, problem: Problem): Promise<void> {
  const { actor, isRecorded } = stateOf(request);
  if (actor === undefined || isRecorded || problem.statusCode >= 500 || problem.kind === 'insufficient_scope') return;
  if (marksOf(request)?.action === undefined) return;
  const { statusCode: status, kind } = problem;
  const entry = {
    ...entryOf(request, requestLine(request)),
    outcome: 'refused',
    status,
    detail: { problem: kind },
  } as const;
  await trail.record(entry).catch(() => {});
}

function entryOf(request: FastifyRequest, target: string): AttemptedChange {
  return {
    requestId: request.id,
    actor: stateOf(request).actor,
    remoteAddress: addressOf(request),
    action: marksOf(request)?.action ?? 'request',
    target,
  };
}
