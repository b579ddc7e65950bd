/**
 * The levels of the topic filter of a subscription; of a shared one, `$share/{ShareName}/{filter}`, those of the filter in
 * it (MQTT 5.0, section 4.8.2). Undefined when it is malformed: empty, a wildcard that is no whole level, `#` before the end
 * [MQTT-4.7.1-1, MQTT-4.7.1-2], a share name that is empty or has a wildcard in it [MQTT-4.8.2-1, MQTT-4.8.2-2].
 */
export function subscribedFilter(filter: string): readonly string[] | undefined {
  const levels = filter.split('/');
  if (levels[0] !== '$share') return filter === '' || !isWellFormed(levels) ? undefined : levels;
  const [, shareName = '', ...shared] = levels;
  if (shareName === '' || /[+#]/.test(shareName)) return undefined;
  const isEmpty = shared.length === 0 || (shared.length === 1 && shared[0] === '');
  return isEmpty || !isWellFormed(shared) ? undefined : shared;
}

const isWellFormed = (levels: readonly string[]): boolean =>
  levels.every((level, index) => {
    if (level === '#') return index === levels.length - 1;
    return level === '+' || !/[+#\0]/.test(level);
  });
