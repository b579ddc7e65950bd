import { homedir } from 'node:os';
import { join } from 'node:path';

/** What the local servers take from the environment; read here and nowhere else. */
export interface LocalEnvironment {
  /** Where fetched servers are kept, outside the repository: `$XDG_CACHE_HOME/edge-ingest-gateway` or `~/.cache/…`. */
  readonly cacheDir: string;
  /** `$JAVA_HOME`, if set. */
  readonly javaHome: string | undefined;
}

/** Reads the environment of this process. */
export function localEnvironment(): LocalEnvironment {
  return environmentFrom(process.env, homedir());
}

/** The pure part of {@link localEnvironment}. A relative XDG_CACHE_HOME is ignored, as the XDG specification asks. */
export function environmentFrom(variables: NodeJS.ProcessEnv, home: string): LocalEnvironment {
  const xdg = variables.XDG_CACHE_HOME;
  const cacheHome = xdg?.startsWith('/') ? xdg : join(home, '.cache');
  return { cacheDir: join(cacheHome, 'edge-ingest-gateway'), javaHome: variables.JAVA_HOME || undefined };
}
