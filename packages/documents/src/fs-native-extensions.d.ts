declare module "fs-native-extensions" {
  /** Takes an exclusive lock of the whole open file without waiting. @returns false where another opening has it. */
  export function tryLock(fd: number): boolean;
}
