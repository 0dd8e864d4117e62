import { availableParallelism } from "node:os";

// Jest runs no import() that was not transformed, which the OTLP exporter makes of node:http.
const ESM_ONLY = ["jose", "nanoid", "mingo", "@sparticuz/chromium", "@opentelemetry/otlp-exporter-base"];

/** @type {import("jest").Config} */
export default {
  testEnvironment: "node",
  testEnvironmentOptions: { customExportConditions: ["reelmesh-source", "node", "node-addons"] },
  testMatch: ["<rootDir>/{packages,services,gateway,cli,test}/**/*.test.ts"],
  testPathIgnorePatterns: ["/node_modules/", "/dist/", "/test/deploy/"],
  modulePathIgnorePatterns: ["/dist/"],
  moduleNameMapper: { "^(\\.{1,2}/.*)\\.js$": "$1" },
  transform: {
    "\\.[jt]s$": [
      "@swc/jest",
      { jsc: { target: "es2022", parser: { syntax: "typescript" } }, module: { type: "commonjs" } },
    ],
  },
  transformIgnorePatterns: [`/node_modules/(?!(${ESM_ONLY.join("|")})/)`],
  globalSetup: "<rootDir>/test/support/global-setup.mjs",
  // Most tests wait for others: two at once take less time also where there are two cores.
  maxWorkers: Math.max(2, Math.floor(availableParallelism() / 2)),
  testTimeout: 30_000,
};
