/** Why settings are refused. */
export const configErrorCodes = [
  /** The file can't be read or is not YAML. */
  'unreadable_file',
  /** No such setting, or no such environment variable. */
  'unknown_setting',
  'missing_setting',
  'wrong_value',
  /** Each value is allowed, but not together with another. */
  'contradiction',
  /** A route is not consistent in itself, or overlaps another. */
  'invalid_route',
  /** A rule of authorization is none, or could never apply. */
  'invalid_rule',
] as const;
export type ConfigErrorCode = (typeof configErrorCodes)[number];

/** One reason why the gateway does not start. */
export interface ConfigError {
  readonly code: ConfigErrorCode;
  /** The setting as a path (`kafka.lingerMs`, `listeners[1].port`), the environment variable, or the file. */
  readonly setting: string;
  /** The value as given, masked and shortened; empty where there is none. */
  readonly value: string;
  /** What is allowed instead. */
  readonly allowed: string;
}

/** One line for people: `kafka.lingerMs: "5ms" is not allowed; allowed: whole number from 0 to 10000`. */
export function describeConfigError({ code, setting, value, allowed }: ConfigError): string {
  switch (code) {
    case 'unreadable_file':
      return `${setting}: ${value}; ${allowed}`;
    case 'unknown_setting':
      return `${setting}: there is no such setting; ${allowed}`;
    case 'missing_setting':
      return `${setting}: missing; needed: ${allowed}`;
    case 'wrong_value':
      return `${setting}: ${value} is not allowed; allowed: ${allowed}`;
    case 'contradiction':
      return `${setting}: ${value} contradicts another setting; needed: ${allowed}`;
    case 'invalid_route':
      return `${setting}: ${value}`;
    case 'invalid_rule':
      return `${setting}: ${value} ${allowed}`;
  }
}

/** `listeners`, 1, `port` → `listeners[1].port`. */
export const joinPath = (path: readonly (string | number)[]): string =>
  path.reduce<string>(
    (text, step) => (typeof step === 'number' ? `${text}[${step}]` : text === '' ? step : `${text}.${step}`),
    '',
  );
