const { appendFileSync } = require("node:fs");
const { stripVTControlCharacters } = require("node:util");

/** A file that what failed is added to, for whoever runs several suites at a time and wants to read it in one place. */
const { FAILED_TESTS } = process.env;

/** Says at the very end, one line each, which suites did not run and what they need, and then how many tests did. */
class ClosingReporter {
  onTestCaseResult({ path }, { status, fullName, failureMessages }) {
    if (status === "failed") {
      noteFailure(path, fullName, ...failureMessages);
    }
  }

  onTestFileResult({ path }, { testExecError }) {
    if (testExecError) {
      noteFailure(path, testExecError.stack);
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

function noteFailure(...lines) {
  if (FAILED_TESTS) {
    appendFileSync(FAILED_TESTS, `${stripVTControlCharacters(lines.join("\n"))}\n\n`);
  }
}

module.exports = ClosingReporter;
