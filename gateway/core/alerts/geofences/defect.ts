/** What is wrong with a collection of fences, and where. */
export interface FenceDefect {
  /** Index of the feature in the collection; −1 for the collection itself. */
  readonly feature: number;
  /** What is wrong, for people: `polygon 0, ring 1 (a hole): is not closed …`. */
  readonly detail: string;
}

/** `features[3]: …`, as it is told to the operator. */
export const describeDefect = ({ feature, detail }: FenceDefect): string =>
  feature < 0 ? detail : `features[${feature}]: ${detail}`;
