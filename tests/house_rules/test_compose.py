"""The containers of `docker-compose.yml` are hardened, wait for each other, and hold no secret."""

import re
from pathlib import Path
from typing import Any, Final

import pytest
import yaml

from tests.house_rules.source import ROOT

COMPOSE: Final[dict[str, Any]] = yaml.safe_load((ROOT / "docker-compose.yml").read_text(encoding="utf-8"))
SERVICES: Final[dict[str, dict[str, Any]]] = COMPOSE["services"]
RUNS_ONCE: Final = {"migrate"}
OURS: Final = {"migrate", "web", "worker"}


def test_the_six_parts_are_there() -> None:
    assert set(SERVICES) == {"db", "migrate", "web", "worker", "mail", "proxy"}


@pytest.mark.parametrize("name", SERVICES)
def test_a_container_is_hardened(name: str) -> None:
    service = SERVICES[name]

    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert "cap_add" not in service
    assert "privileged" not in service
    assert "no-new-privileges:true" in service["security_opt"]
    assert int(service["user"].split(":")[0]) > 0


@pytest.mark.parametrize("name", sorted(set(SERVICES) - RUNS_ONCE))
def test_a_container_that_stays_says_whether_it_is_well(name: str) -> None:
    assert SERVICES[name]["healthcheck"]["test"][0] == "CMD"
    assert SERVICES[name]["healthcheck"]["retries"] > 0


@pytest.mark.parametrize("name", sorted(OURS - RUNS_ONCE))
def test_nothing_of_ours_starts_before_the_tables_are_there(name: str) -> None:
    assert SERVICES[name]["depends_on"]["migrate"] == {"condition": "service_completed_successfully"}
    assert SERVICES["migrate"]["depends_on"]["db"] == {"condition": "service_healthy"}


@pytest.mark.parametrize("name", SERVICES)
def test_what_a_container_names_is_declared(name: str) -> None:
    service = SERVICES[name]

    assert set(service.get("networks", [])) <= set(COMPOSE["networks"])
    assert set(service.get("secrets", [])) <= set(COMPOSE["secrets"])
    assert {config["source"] for config in service.get("configs", [])} <= set(COMPOSE["configs"])
    assert {volume.split(":")[0] for volume in service.get("volumes", [])} <= set(COMPOSE["volumes"])
    assert set(service.get("depends_on", {})) <= set(SERVICES)


def test_the_database_is_reached_from_inside_only() -> None:
    assert SERVICES["db"]["networks"] == ["inside"]
    assert "ports" not in SERVICES["db"]
    assert COMPOSE["networks"]["inside"] == {"internal": True}
    assert [name for name, service in SERVICES.items() if "ports" in service] == ["mail", "proxy"]


def test_no_password_stands_in_the_file_or_in_an_environment() -> None:
    said = [(key, value) for service in SERVICES.values() for key, value in service.get("environment", {}).items()]
    secrets = [(key, value) for key, value in said if re.search("PASSWORD|TOKEN|SECRET", key)]

    assert len(secrets) >= 3
    assert [key for key, value in secrets if not key.endswith("_FILE") or not value.startswith("/run/secrets/")] == []
    assert [value for _key, value in said if re.search("//[^/]*:[^/]*@", value)] == []


@pytest.mark.parametrize("name", SERVICES)
def test_a_container_has_a_limit_of_what_it_may_take(name: str) -> None:
    limits = SERVICES[name]["deploy"]["resources"]["limits"]

    assert set(limits) == {"cpus", "memory", "pids"}
    assert SERVICES[name]["logging"]["options"]["max-size"]


@pytest.mark.parametrize("name", sorted(OURS))
def test_a_container_is_given_the_time_that_serve_allows_for_a_stop(name: str) -> None:
    from exchange.cli.serve import STOP_SECONDS

    assert int(SERVICES[name]["stop_grace_period"].removesuffix("s")) > STOP_SECONDS


def test_only_what_makes_keys_may_write_the_key_ring() -> None:
    mounts = {name: volume for name in OURS for volume in SERVICES[name]["volumes"]}
    ring = Path(SERVICES["web"]["environment"]["EXCHANGE_KEY_RING"])

    assert mounts == {
        "migrate": f"keys:{ring.parent}",
        "web": f"keys:{ring.parent}:ro",
        "worker": f"keys:{ring.parent}:ro",
    }
    assert f"-m 0700 {ring.parent}" in (ROOT / "Dockerfile").read_text(encoding="utf-8")


@pytest.mark.parametrize("name", sorted(OURS))
def test_every_setting_is_one_that_the_exchange_reads(name: str) -> None:
    from exchange.config import ENVIRONMENT

    assert set(SERVICES[name]["environment"]) <= set(ENVIRONMENT)


def test_the_image_is_built_in_two_stages_from_the_lock_and_runs_as_nobody_special() -> None:
    lines = (ROOT / "Dockerfile").read_text(encoding="utf-8").splitlines()

    assert sum(line.startswith("FROM ") for line in lines) == 2
    assert any("--require-hashes" in line and "requirements/postgres.lock" in line for line in lines)
    assert [line for line in lines if line.startswith("USER ")] == ["USER 10001:10001"]


def test_the_image_copies_only_files_that_it_is_sent() -> None:
    sent = {
        line.removeprefix("!") for line in (ROOT / ".dockerignore").read_text().splitlines() if line.startswith("!")
    }
    copied = {
        source
        for line in (ROOT / "Dockerfile").read_text(encoding="utf-8").splitlines()
        if line.startswith("COPY ") and "--from" not in line
        for source in line.split()[1:-1]
    }

    assert copied == sent
    assert [name for name in copied if not Path(ROOT / name).exists()] == []
