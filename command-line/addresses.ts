import { InvalidArgumentError } from 'commander';

const addressPattern = /^(\[[0-9a-fA-F:.]+\]|[^\s:/@[\]]+):[0-9]{1,5}$/;

/** Parses the value of an option: `host:port`, several separated by commas. Throws commander's error otherwise. */
export const addresses = (text: string): string[] => {
  const list = text.split(',').map((address) => address.trim());
  const wrong = list.find((address) => !addressPattern.test(address));
  if (wrong !== undefined) throw new InvalidArgumentError(`"${wrong}" is not host:port.`);
  return list;
};
