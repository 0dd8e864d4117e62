/**
 * What a collection holds was written through it as T, and both stores hand it back untyped.
 *
 * @returns `value`, typed so that it fits where it is put. The one place where that knowledge becomes a type.
 */
export function asStored(value: unknown): never {
  return value as never;
}
