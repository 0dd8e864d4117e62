import { expect, test } from "@jest/globals";
import { Action } from "@reelmesh/proto/reelmesh/catalog/v1/catalog_service.js";
import { useCatalog } from "./support/catalog.js";
import { reasonOf, scope, until } from "./support/services.js";

const running = useCatalog({ CATALOG_KEEP_DELETED_SECONDS: "0", CATALOG_PURGE_SECONDS: "1" });

test("what is past its time is removed by itself, and nothing else", async () => {
  const ann = await running().services.as("ann");
  const { name } = await running().createUploaded(ann);
  const kept = await running().createUploaded(ann);
  await running().edge.deleteVideo({ name }, ann);
  expect(await reasonOf(running().edge.undeleteVideo({ name }, ann))).toBe("RESOURCE_NOT_FOUND");
  const check = () => running().edge.checkAccess({ name, action: Action.WATCH, viewer: "" }, scope());
  await until(async () => (await reasonOf(check())) === "RESOURCE_NOT_FOUND");
  expect(await reasonOf(running().edge.deleteVideo({ name }, ann))).toBe("RESOURCE_NOT_FOUND");
  expect(await running().edge.getVideo({ name: kept.name }, ann)).toEqual(kept);
});
