"""The verdict on a run of the suite: whether it failed where expected, and only there."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

import pytest

from tests.compliance.expected import ExpectedFailures, short_name

if TYPE_CHECKING:
    from collections.abc import Generator

_REQUIRED_PERCENTAGE = 90


class Verdict:
    """A pytest plugin; a run passes if no test failed unexpectedly and enough passed."""

    def __init__(self, expected_failures: ExpectedFailures) -> None:
        self._expected_failures = expected_failures
        self._outcomes: dict[str, str] = {}

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_runtest_makereport(
        self, item: pytest.Item
    ) -> Generator[None, pytest.TestReport, pytest.TestReport]:
        """Let a listed test fail, but not its set-up and tear-down."""
        report = yield
        reason = self._expected_failures.reason(item.nodeid)
        if report.failed and report.when == "call" and reason is not None:
            report.outcome = "skipped"
            report.wasxfail = reason
        return report

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Note a test's outcome; that of a failing tear-down replaces the test's own."""
        if report.failed:
            self._outcomes[report.nodeid] = "failed"
        elif hasattr(report, "wasxfail"):
            self._outcomes[report.nodeid] = "expected failure"
        elif report.when == "call" or report.skipped:
            self._outcomes[report.nodeid] = report.outcome

    @pytest.hookimpl(tryfirst=True)
    def pytest_sessionfinish(self, session: pytest.Session, exitstatus: int) -> None:
        """Fail a run in which too little passed."""
        if exitstatus == pytest.ExitCode.OK and self._percentage() < _REQUIRED_PERCENTAGE:
            session.exitstatus = pytest.ExitCode.TESTS_FAILED

    @pytest.hookimpl(trylast=True)
    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        """Name the listed tests that passed, and sum up."""
        counts = self._counts()
        terminalreporter.section("compliance")
        for nodeid, outcome in self._outcomes.items():
            reason = self._expected_failures.reason(nodeid)
            if outcome == "passed" and reason is not None:
                terminalreporter.line(f"passed, though listed: {short_name(nodeid)} ({reason})")
        if self._percentage() < _REQUIRED_PERCENTAGE:
            terminalreporter.line(f"fewer than {_REQUIRED_PERCENTAGE} % passed")
        terminalreporter.line(
            f"compliance: {counts['passed']} of {self._run()} run ({self._percentage():.1f} %),"
            f" {counts['expected failure']} expected failures, {counts['skipped']} skipped"
        )

    def _counts(self) -> Counter[str]:
        return Counter(self._outcomes.values())

    def _run(self) -> int:
        return len(self._outcomes) - self._counts()["skipped"]

    def _percentage(self) -> float:
        return 100 * self._counts()["passed"] / max(1, self._run())
