const path = require("node:path");

// All snapshots live in __snapshots__/, in folders like those of test/.
const root = path.join(__dirname, "../..");
const tests = path.join(root, "test");
const snapshots = path.join(root, "__snapshots__");

module.exports = {
  resolveSnapshotPath: (testPath, extension) => path.join(snapshots, path.relative(tests, testPath)) + extension,
  resolveTestPath: (snapshotPath, extension) =>
    path.join(tests, path.relative(snapshots, snapshotPath)).slice(0, -extension.length),
  testPathForConsistencyCheck: path.join(tests, "definition", "cluster.test.ts"),
};
