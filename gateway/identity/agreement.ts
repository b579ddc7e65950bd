/** What a CONNECT says about who sends it, beside what proves it. */
export interface Claimant {
  readonly username: string | undefined;
  readonly clientId: string;
  /** The server has made the client identifier up: it claims nothing. */
  readonly clientIdAssigned?: boolean | undefined;
}

export interface AgreementRules {
  /** `optional`: may be left out. Given, it is the device's id in any case. */
  readonly userName: 'required' | 'optional';
  /** What the client identifier is: the device's id; that, or that and `/` and more; anything. */
  readonly clientId: 'equal' | 'prefixed' | 'any';
}

/** Whether all that a client says about itself names the device that it has proven to be. */
export function agrees(
  deviceId: string,
  { userName, clientId: rule }: AgreementRules,
  { username, clientId, clientIdAssigned }: Claimant,
): boolean {
  // MQTT 3.1.1 has no password without a user name; there an empty one says as much.
  const isNamed = username !== undefined && username !== '';
  if (isNamed ? username !== deviceId : userName === 'required') return false;
  if (rule === 'any' || clientIdAssigned === true || clientId === deviceId) return true;
  // No id of a device holds a slash, so that no other device's id begins like this.
  return rule === 'prefixed' && clientId.startsWith(`${deviceId}/`);
}
