import type { GatewayConfig } from './config/schema.ts';

/** What to do about an address that cannot be listened on, by the system's error code. */
const remedies: Readonly<Record<string, string>> = {
  EADDRINUSE: 'another process listens there; end it, or choose another port',
  EACCES: 'this user may not listen there; choose a port from 1024 on, or grant the right',
  EADDRNOTAVAIL: 'this machine has no such address; choose one that it has, or 0.0.0.0 for all',
  ENOTFOUND: 'the name has no address; choose an address of this machine, or 0.0.0.0 for all',
};

/**
 * Why the gateway could not start, in one line for people: the setting and what to do about it where they are known,
 * else the error's own words.
 */
export function describeStartFailure(error: unknown, config: GatewayConfig): string {
  const { code, message, syscall, port, hostname } = asSystemError(error);
  const remedy = syscall === 'listen' || syscall === 'getaddrinfo' ? remedies[code ?? ''] : undefined;
  if (remedy === undefined) return `could not start: ${message}`;
  const setting = settings(config).find(
    (candidate) => candidate.host === hostname || (candidate.port !== 0 && candidate.port === port),
  );
  if (setting === undefined) return `could not start: ${message}: ${remedy}`;
  return `${setting.path}: cannot listen on ${setting.host}:${setting.port} (${code}): ${remedy}`;
}

interface SystemError {
  readonly message: string;
  readonly code?: string;
  readonly syscall?: string;
  readonly port?: number;
  /** Of a failed look-up. */
  readonly hostname?: string;
}

const asSystemError = (error: unknown): SystemError =>
  error instanceof Error ? (error as SystemError) : { message: String(error) };

/** The admin server comes first, as at the start. */
function settings({ admin, administration, listeners }: GatewayConfig): { path: string; host: string; port: number }[] {
  return [
    { path: 'admin', ...admin },
    ...(administration.enabled ? [{ path: 'administration', ...administration }] : []),
    ...listeners.map(({ host, port }, index) => ({ path: `listeners[${index}]`, host, port })),
  ];
}
