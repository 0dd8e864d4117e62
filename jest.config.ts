import type { Config } from "jest";

const ESM_ONLY = ["jose", "nanoid", "mingo"];

const config: Config = {
  testEnvironment: "node",
  testEnvironmentOptions: { customExportConditions: ["reelmesh-source", "node", "node-addons"] },
  testMatch: ["<rootDir>/{packages,services,gateway,cli,test}/**/*.test.ts"],
  testPathIgnorePatterns: ["/node_modules/", "/dist/"],
  modulePathIgnorePatterns: ["/dist/"],
  moduleNameMapper: { "^(\\.{1,2}/.*)\\.js$": "$1" },
  transform: {
    "\\.[jt]s$": [
      "@swc/jest",
      { jsc: { target: "es2022", parser: { syntax: "typescript" } }, module: { type: "commonjs" } },
    ],
  },
  transformIgnorePatterns: [`/node_modules/(?!(${ESM_ONLY.join("|")})/)`],
  testTimeout: 30_000,
};

export default config;
