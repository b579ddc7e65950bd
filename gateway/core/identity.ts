/** Who a connection belongs to. Established once, at CONNECT; travels with each publish. */
export interface Identity {
  /** The registry's id of the device; on an anonymous listener the MQTT client identifier. */
  readonly deviceId: string;
  /** `anonymous` only on a listener that is configured for it: such a device may speak for any vehicle or bay. */
  readonly kind: DeviceKind | 'anonymous';
  /** Id of the vehicle or bay that the device is bound to; empty for `anonymous`. */
  readonly boundTo: string;
}

export const deviceKinds = ['vehicle', 'bay'] as const;
export type DeviceKind = (typeof deviceKinds)[number];
