/**
 * What JSON lets pass in a text, and readers of lines do not: other ends of lines, and what moves the cursor of a terminal
 * or turns the direction of writing.
 */
const unprintable = /[\u007f-\u009f\u2028\u2029\u202a-\u202e\u2066-\u2069]/g;

/** A text with those characters escaped as in JSON: within JSON it says the same, elsewhere it shows what was there. */
export const printable = (text: string): string =>
  text.replace(unprintable, (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`);
