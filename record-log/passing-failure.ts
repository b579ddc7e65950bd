/** A broker does not answer, or does not lead a partition any more: worth another attempt, after another look at the cluster. */
export class PassingFailure extends Error {
  override readonly name = 'PassingFailure';
}
