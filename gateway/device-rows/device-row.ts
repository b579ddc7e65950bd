/** A device of an import as it stands in a file or a body: what its texts say is checked where it is imported. */
export interface DeviceRow {
  readonly deviceId: string;
  readonly kind: string;
  readonly boundTo: string;
  /** Empty: one is made. */
  readonly secret: string;
  readonly enabled: boolean;
  readonly groups: readonly string[];
  /** Empty: none. */
  readonly certificateFingerprint: string;
  /** From 1 on. */
  readonly line: number;
  /** What is wrong with it already. */
  readonly problem?: string | undefined;
}

const required = ['device_id', 'kind', 'bound_to'];
const optional = ['secret', 'enabled', 'groups', 'certificate_fingerprint'];

/** What an import calls what it says of a device. */
export const fieldNames: readonly string[] = [...required, ...optional];
export const fieldsRule = `needed: ${required.join(', ')}; optional: ${optional.join(', ')}`;
/** The same as the columns of a CSV are written. */
export const csvColumns = `${required.join(',')}${optional.map((name) => `[,${name}]`).join('')}`;
/** Longer than any device; in characters. */
export const longestLine = 8192;

/** Those of the fields that must not be left out and are. */
export const missingFields = (names: readonly string[]): string[] => required.filter((name) => !names.includes(name));

/** Texts by their names; what is anything else counts as left out, for which its reader has a `problem`. */
export type Fields = Readonly<Record<string, unknown>>;

export const textOf = (fields: Fields, name: string): string => {
  const value = Object.hasOwn(fields, name) ? fields[name] : '';
  return typeof value === 'string' ? value : '';
};

export const toDeviceRow = (
  fields: Fields,
  { enabled, line, problem }: Pick<DeviceRow, 'enabled' | 'line' | 'problem'>,
): DeviceRow => ({
  deviceId: textOf(fields, 'device_id'),
  kind: textOf(fields, 'kind'),
  boundTo: textOf(fields, 'bound_to'),
  secret: textOf(fields, 'secret'),
  enabled,
  // Separated by white space: a comma would need quotes.
  groups: textOf(fields, 'groups')
    .split(/\s+/)
    .filter((name) => name !== ''),
  certificateFingerprint: textOf(fields, 'certificate_fingerprint'),
  line,
  problem,
});
