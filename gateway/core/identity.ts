/** Who a connection belongs to. Established once, at CONNECT; travels with each publish. */
export interface Identity {
  /** The registry's id of the device; on an anonymous listener the MQTT client identifier. */
  readonly deviceId: string;
  /** `anonymous` only on a listener that is configured for it: such a device may speak for any vehicle or bay. */
  readonly kind: DeviceKind | 'anonymous';
  /** Id of the vehicle or bay that the device is bound to; empty for `anonymous`. */
  readonly boundTo: string;
  /** Names that rules of authorization may go by; left out: none. */
  readonly groups?: readonly string[] | undefined;
  /** Which state of the registry's row this is: another number means that the row has changed since. */
  readonly revision?: number | undefined;
}

/** So many groups a device may be in, and so long their names may be, which are ASCII: what is registered keeps to that. */
export const maxGroups = 32;
export const maxGroupBytes = 64;
/** All of a device's groups with a comma between each two. */
export const maxGroupsBytes = maxGroups * (maxGroupBytes + 1) - 1;

/** Whether both may do the same, whatever proves who they are. */
export const haveSameRights = (a: Identity, b: Identity): boolean =>
  a.kind === b.kind && a.boundTo === b.boundTo && (a.groups ?? []).join() === (b.groups ?? []).join();

export const deviceKinds = ['vehicle', 'bay'] as const;
export type DeviceKind = (typeof deviceKinds)[number];
