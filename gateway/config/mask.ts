import { stringify } from 'yaml';
import { type GatewayConfig, gatewaySettings } from './schema.ts';
import { mapTexts } from './settings-tree.ts';

/** Up to the last `@`: a password in which somebody forgot to escape a slash must not show either. */
const userInfo = /^([a-z][a-z0-9+.-]*:\/\/)?\S*@/i;
const secretParameter = /([?&][^=&#\s]*(?:token|secret|key|password)[^=&#\s]*=)[^&#\s]*/gi;
const longestShown = 120;
/** In the place of what is not shown at all. */
export const hidden = '***';

/**
 * Hides the user name and password of an address, and the parameters of its query that are named like secrets:
 * `https://***@host/?token=***`. Text without either stays as it is.
 */
export function maskText(text: string): string {
  const masked = text.replace(secretParameter, '$1***');
  // An `@` that went with a parameter may have ended a password: then nothing behind the scheme is safe to show.
  if (text.includes('@') && !masked.includes('@')) return `${/^[a-z][a-z0-9+.-]*:\/\//i.exec(text)?.[0] ?? ''}***`;
  return masked.replace(userInfo, '$1***@');
}

/** A refused value for an error message: as JSON, addresses masked, shortened. */
export function showValue(value: unknown): string {
  const text =
    JSON.stringify(value, (_key, part: unknown) => (typeof part === 'string' ? maskText(part) : part)) ?? 'null';
  return text.length <= longestShown ? text : `${text.slice(0, longestShown)}…`;
}

/** The same settings with every secret hidden; for printing and logging, not for use. */
export const maskConfig = (config: GatewayConfig): GatewayConfig =>
  mapTexts(gatewaySettings, config, (text, holds) => {
    if (holds === 'secret') return text === '' ? '' : hidden;
    return holds === 'url' ? maskText(text) : text;
  }) as GatewayConfig;

/** The effective settings as YAML, secrets masked; fit to be given back as a file once the secrets are put in. */
export const printConfig = (config: GatewayConfig): string => stringify(maskConfig(config), { lineWidth: 0 });
