import { randomUUID } from "node:crypto";
import { describe, expect, test } from "@jest/globals";
import type { CallScope } from "@reelmesh/mesh/call.js";
import { Visibility, type Video } from "@reelmesh/proto/reelmesh/catalog/v1/catalog_service.js";
import fc from "fast-check";
import { useCatalog } from "./support/catalog.js";
import { reasonOf, rejection, scope } from "./support/services.js";

const running = useCatalog();
const nobody = scope();

/** Somebody of one test alone. */
async function somebody(): Promise<{ name: string; as: CallScope }> {
  const id = randomUUID();
  return { name: `users/${id}`, as: await running().services.as(id) };
}

type Query = Parameters<ReturnType<typeof running>["edge"]["listVideos"]>[0];
const list = (query: Query, who: CallScope) => running().edge.listVideos(query, who);
const names = (videos: readonly Video[]) => videos.map(({ name }) => name);

/** Every page of a list, one after another. */
async function readAll(
  query: Query,
  who: CallScope,
  between: (page: readonly Video[]) => Promise<unknown> = async () => undefined,
) {
  const pages: Video[][] = [];
  for (let pageToken = ""; ;) {
    const page = await list({ ...query, pageToken }, who);
    pages.push(page.videos);
    if (page.nextPageToken === "") return pages;
    pageToken = page.nextPageToken;
    await between(page.videos);
  }
}

async function createSeries(owner: CallScope, count: number, visibility = Visibility.PRIVATE) {
  const made: Video[] = [];
  for (let index = 0; index < count; index++) made.push(await running().createUploaded(owner, { visibility }));
  return made.reverse();
}

describe("whom a list shows what", () => {
  test("listed videos to everybody, members' to members, unlisted, private and unfinished ones to their owner", async () => {
    const owner = await somebody();
    const member = await somebody();
    const of = async (visibility: Visibility) => (await running().createUploaded(owner.as, { visibility })).name;
    const open = await of(Visibility.PUBLIC);
    const members = await of(Visibility.MEMBERS);
    const unlisted = await of(Visibility.UNLISTED);
    const secret = await of(Visibility.PRIVATE);
    const { name: coming } = await running().create(owner.as, { visibility: Visibility.PUBLIC });
    const seenBy = async (who: CallScope) => names((await list({ owner: owner.name }, who)).videos);
    expect(await seenBy(owner.as)).toEqual([coming, secret, unlisted, members, open]);
    expect(await seenBy(member.as)).toEqual([members, open]);
    expect(await seenBy(nobody)).toEqual([open]);
    expect(names((await list({}, nobody)).videos)).toContain(open);
    expect(names((await list({}, member.as)).videos)).toEqual(expect.arrayContaining([open, members]));
  });

  test("deleted ones to nobody, to their owner when asked for and while they can be had back", async () => {
    const owner = await somebody();
    const [kept, deleted] = await createSeries(owner.as, 2, Visibility.PUBLIC);
    const gone = await running().create(owner.as);
    await running().edge.deleteVideo({ name: deleted?.name ?? "" }, owner.as);
    await running().edge.deleteVideo({ name: gone.name }, owner.as);
    const seen = async (who: CallScope, showDeleted: boolean) =>
      names((await list({ owner: owner.name, showDeleted }, who)).videos);
    expect(await seen(owner.as, false)).toEqual([kept?.name]);
    expect(await seen(owner.as, true)).toEqual([kept?.name, deleted?.name]);
    const other = await somebody();
    expect(await seen(other.as, true)).toEqual([kept?.name]);
    expect(await seen(nobody, true)).toEqual([kept?.name]);
  });
});

describe("pages", () => {
  test("have the size asked for, at most 100, 24 when nothing is said", async () => {
    const owner = await somebody();
    const made = await createSeries(owner.as, 26);
    const sizes = async (pageSize: number) =>
      (await readAll({ owner: owner.name, pageSize }, owner.as)).map(({ length }) => length);
    expect(await sizes(10)).toEqual([10, 10, 6]);
    expect(await sizes(13)).toEqual([13, 13]);
    expect(await sizes(0)).toEqual([24, 2]);
    expect(await sizes(2_000_000_000)).toEqual([26]);
    expect(names((await readAll({ owner: owner.name, pageSize: 7 }, owner.as)).flat())).toEqual(names(made));
    expect(await reasonOf(list({ pageSize: -1 }, owner.as))).toBe("INVALID_FIELD");
  });

  test("miss and repeat nothing while others are made and deleted", async () => {
    const owner = await somebody();
    const made = await createSeries(owner.as, 12);
    const unseen = new Set<string | undefined>();
    const pages = await readAll({ owner: owner.name, pageSize: 3 }, owner.as, async (page) => {
      await running().createUploaded(owner.as);
      const last = made.findIndex(({ name }) => name === page.at(-1)?.name);
      const [seen, next] = [made[last]?.name, made[last + 2]?.name];
      for (const name of [seen, next]) if (name !== undefined) await running().edge.deleteVideo({ name }, owner.as);
      unseen.add(next);
    });
    expect(unseen.size).toBeGreaterThan(2);
    expect(names(pages.flat())).toEqual(names(made).filter((name) => !unseen.has(name)));
  });

  test("a token is for one list of one person", async () => {
    const owner = await somebody();
    const other = await somebody();
    await createSeries(owner.as, 3, Visibility.PUBLIC);
    const query = { owner: owner.name, pageSize: 1 };
    const { nextPageToken: pageToken } = await list(query, owner.as);
    const refused = { reason: "INVALID_FIELD", metadata: { field: "page_token" } };
    expect(await rejection(list({ ...query, pageToken }, other.as))).toMatchObject(refused);
    expect(await rejection(list({ ...query, pageToken }, nobody))).toMatchObject(refused);
    expect(await rejection(list({ pageToken }, owner.as))).toMatchObject(refused);
    expect(await rejection(list({ ...query, pageToken, showDeleted: true }, owner.as))).toMatchObject(refused);
    const { nextPageToken: changes } = await running().upload.listChanges({}, nobody);
    expect(await rejection(list({ ...query, pageToken: changes }, owner.as))).toMatchObject(refused);
    expect(await rejection(running().upload.listChanges({ pageToken }, nobody))).toMatchObject(refused);
    expect((await list({ ...query, pageToken, pageSize: 2 }, owner.as)).videos).toHaveLength(2);
  });

  test("a token that was made up or altered is refused", async () => {
    const owner = await somebody();
    await createSeries(owner.as, 2);
    const { nextPageToken } = await list({ owner: owner.name, pageSize: 1 }, owner.as);
    const altered = fc
      .tuple(fc.nat(nextPageToken.length - 1), fc.constantFrom("A", "a", "0", "-", "_", ".", "~"))
      .map(([at, letter]) => `${nextPageToken.slice(0, at)}${letter}${nextPageToken.slice(at + 1)}`)
      .filter((token) => token !== nextPageToken);
    const tokens = fc.oneof(
      fc.string({ minLength: 1 }),
      fc.constantFrom("\0", "..", "a.b", "a".repeat(100_000)),
      altered,
    );
    await fc.assert(
      fc.asyncProperty(tokens, async (pageToken) => {
        const refused = await rejection(list({ owner: owner.name, pageToken }, owner.as));
        expect(refused).toMatchObject({ reason: "INVALID_FIELD", metadata: { field: "page_token" } });
      }),
      { numRuns: 200 },
    );
  });
});

test("an owner who is nobody's name is refused", async () => {
  for (const owner of ["ann", "users/", "users/..", "users/a/b", "users/a\0", "public", "users/\uFFFD"])
    expect(await rejection(list({ owner }, nobody))).toMatchObject({
      reason: "INVALID_FIELD",
      metadata: { field: "owner" },
    });
  expect(await list({ owner: "users/nobody-yet" }, nobody)).toEqual({ videos: [], nextPageToken: "" });
});
