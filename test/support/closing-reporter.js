/** Says at the very end, one line each, which suites did not run and what they need, and then how many tests did. */
class ClosingReporter {
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
