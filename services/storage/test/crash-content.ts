/** The blocks of one version of an object, each of which tells its version. */
export function blocksOf(version: number): readonly Buffer[] {
  return Array.from({ length: 1 + (version % 4) }, (_, index) => {
    const block = Buffer.alloc(4 + ((version * 7919 + index * 104_729) % 60_000), version + index);
    block.writeUInt32BE(version, 0);
    return block;
  });
}
