/**
 * The part of the Reflect metadata proposal that the container inside of @peculiar/x509 asks for when it is loaded. To be
 * imported before that.
 */
const metadata = new WeakMap<object, Map<string, unknown>>();

const read = (key: string, target: object): unknown => metadata.get(target)?.get(key);

Object.assign(Reflect, {
  getMetadata: read,
  getOwnMetadata: read,
  defineMetadata: (key: string, value: unknown, target: object): void => {
    const ofTarget = metadata.get(target) ?? new Map<string, unknown>();
    metadata.set(target, ofTarget.set(key, value));
  },
});
