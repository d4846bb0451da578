"""How many projects are generated: few in every run of the tests, many with `make properties`.

    pytest tests/properties --hypothesis-profile=long

The long run fails unless it generated each trap often enough, and prints how often it did.
"""

from __future__ import annotations

import pytest
import torch
from cases import GENERATED
from families import SHAPES
from fragments import FRAGMENTS
from hypothesis import HealthCheck, Phase, settings

LEAST = 30

_COMMON = {"deadline": None, "database": None, "suppress_health_check": list(HealthCheck)}
settings.register_profile("short", max_examples=40, derandomize=True, **_COMMON)
settings.register_profile("long", max_examples=3000, print_blob=True, **_COMMON)
settings.register_profile(
    "count", max_examples=2000, phases=[Phase.generate], **_COMMON
)  # to see all failures, not the first


def pytest_configure(config: pytest.Config) -> None:
    if not config.getoption("--hypothesis-profile", None):
        settings.load_profile("short")


@pytest.fixture(autouse=True)
def one_thread() -> None:
    torch.set_num_threads(1)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    if settings.get_current_profile_name() == "short" or not GENERATED:
        return
    terminalreporter.section("generated")
    for name in sorted({*FRAGMENTS, *SHAPES}):
        terminalreporter.write_line(f"{GENERATED[name]:6}  {name}")


def pytest_sessionfinish(session: pytest.Session) -> None:
    rare = [name for name in {*FRAGMENTS, *SHAPES} if GENERATED[name] < LEAST]
    if settings.get_current_profile_name() == "long" and GENERATED and rare:
        session.exitstatus = 1
        print(f"\ngenerated less than {LEAST} times: {', '.join(sorted(rare))}")
