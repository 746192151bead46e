const { appendFileSync } = require("node:fs");
const { stripVTControlCharacters } = require("node:util");

/** A file that what failed is added to, for whoever runs several suites at a time and wants to read it in one place. */
const { FAILED_TESTS } = process.env;

/** Says at the very end, one line each, which suites did not run and what they need, and then how many tests did. */
class ClosingReporter {
  onTestFileResult(_test, { testFilePath, testExecError, testResults }) {
    const failed = testResults.filter(({ status }) => status === "failed");
    const reasons = failed.map(({ fullName, failureMessages }) => `${fullName}\n${failureMessages.join("\n")}`);
    if (FAILED_TESTS && (testExecError || failed.length > 0)) {
      const text = [testFilePath, ...(testExecError ? [testExecError.stack] : []), ...reasons].join("\n\n");
      appendFileSync(FAILED_TESTS, `${stripVTControlCharacters(text)}\n\n`);
    }
  }

  onRunComplete(
    _contexts,
    { testResults, numPassedTests, numFailedTests, numPendingTests, numRuntimeErrorTestSuites },
  ) {
    const titles = testResults.flatMap((file) => file.testResults.flatMap((test) => test.ancestorTitles));
    const skipped = new Set(titles.filter((title) => title.startsWith("SKIPPED")));
    const failed = numFailedTests + numRuntimeErrorTestSuites;
    const lines = [
      ...[...skipped].map((title) => `!!! ${title}`),
      `${numPassedTests} passed, ${failed} failed, ${numPendingTests} skipped`,
    ];
    process.stderr.write(`\n${lines.join("\n")}\n`);
  }
}

module.exports = ClosingReporter;
