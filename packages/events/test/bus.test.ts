import { describe, expect, test } from "@jest/globals";
import fc from "fast-check";
import { Environment } from "@reelmesh/mesh/environment.js";
import { EVENT_TYPES, parseEvent } from "../src/bus.js";
import { readEvents } from "../src/config.js";

describe("what comes from elsewhere", () => {
  test.each(EVENT_TYPES)("%s is an event", (type) => {
    expect(parseEvent({ type, name: "videos/aZ0-_", more: 1 })).toEqual({ type, name: "videos/aZ0-_" });
  });

  test.each([
    { type: "catalog.video.eaten", name: "videos/a" },
    { type: "upload.completed", name: "" },
    { type: "upload.completed", name: "videos/../a" },
    { type: "upload.completed", name: "/videos" },
    { type: "upload.completed", name: `videos/${"a".repeat(200)}` },
    { type: "upload.completed", name: ["videos/a"] },
    { type: "upload.completed" },
    { name: "videos/a" },
  ])("%j is none", (given) => {
    expect(parseEvent(given)).toBeUndefined();
  });

  test("whatever it is, nothing is thrown", () => {
    fc.assert(
      fc.property(fc.anything(), (given) => {
        expect(parseEvent(given)).toBeUndefined();
      }),
    );
  });
});

describe("AMQP_URL", () => {
  const read = (variables: Readonly<Record<string, string>>, alone: boolean) => {
    const environment = new Environment(variables, { alone });
    return { location: readEvents(environment), faults: environment.faults };
  };

  test.each(["amqp://127.0.0.1", "amqp://guest:p%40ss@rabbit:5672/vhost", "amqps://rabbit.example.org"])(
    "%s is used, alone and together",
    (url) => {
      expect(read({ AMQP_URL: url }, true)).toEqual({ location: { url }, faults: [] });
      expect(read({ AMQP_URL: url }, false)).toEqual({ location: { url }, faults: [] });
    },
  );

  test("without it, several modules tell each other in process", () => {
    expect(read({}, false)).toEqual({ location: "in process", faults: [] });
  });

  test("without it, a module of its own does not start", () => {
    expect(read({}, true).faults).toMatchObject([{ variable: "AMQP_URL", given: undefined }]);
  });

  test.each(["rabbit:5672", "http://rabbit", "amqp://", "amqp:///vhost", "amqp://a b"])(
    "%s is refused, and not shown",
    (url) => {
      expect(read({ AMQP_URL: url }, false).faults).toMatchObject([{ variable: "AMQP_URL", given: undefined }]);
    },
  );
});
