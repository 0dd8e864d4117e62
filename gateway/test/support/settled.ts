/** Waits until what is read has not changed for 50 turns of the event loop's timers. */
export async function settled(read: () => unknown): Promise<void> {
  let last = read();
  for (let unchanged = 0; unchanged < 50; unchanged++) {
    await new Promise((resolve) => setTimeout(resolve, 2));
    const now = read();
    if (now !== last) unchanged = 0;
    last = now;
  }
}
