module.exports = {
  roots: ["<rootDir>/test"],
  testMatch: ["**/*.test.ts"],
  transform: {
    "^.+\\.ts$": ["@swc/jest", { jsc: { target: "es2022", parser: { syntax: "typescript" } }, sourceMaps: "inline" }],
  },
  snapshotResolver: "<rootDir>/test/support/snapshot-resolver.js",
  moduleNameMapper: { "^cdktf-mqtt-cluster$": "<rootDir>/src" },
  setupFiles: ["<rootDir>/test/support/setup.js"],
  reporters: ["default", "<rootDir>/test/support/closing-reporter.js"],
  testTimeout: 60_000,
};
