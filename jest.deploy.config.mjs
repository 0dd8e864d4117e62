import base from "./jest.config.mjs";

/** The tests that need a Docker engine or a cluster: one file after another, each with minutes to spare. */
export default {
  ...base,
  testMatch: ["<rootDir>/test/deploy/**/*.test.ts"],
  testPathIgnorePatterns: ["/node_modules/"],
  globalSetup: "<rootDir>/test/deploy/support/setup.mjs",
  globalTeardown: "<rootDir>/test/deploy/support/teardown.ts",
  maxWorkers: 1,
  testTimeout: 900_000,
};
