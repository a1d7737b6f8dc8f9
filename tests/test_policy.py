"""The container options that a profile and the operator's policy lead to."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from sandbox.policy import (
    APPARMOR_PROFILE,
    KERNEL_BYTES,
    RUNNER_CAPABILITIES,
    SandboxPolicy,
    container_options,
    holder_options,
)
from sandbox.types import Ahead, Profile

PROFILE = Profile("image", 128 << 20, 50_000, 64, 32 << 20)


def options(runtime: str = "", network: str = "container:abc", profile: Profile = PROFILE) -> dict[str, Any]:
    policy = SandboxPolicy(runtime=runtime)
    return container_options(profile, policy, uid=20_001, network=network, labels={"a": "b"}, volume="runner")


def test_nothing_is_privileged_and_nothing_of_the_host_is_mounted() -> None:
    host = options()["host"]
    assert "privileged" not in host
    assert "binds" not in host
    assert [mount["Type"] for mount in host["mounts"]] == ["volume"]
    assert host["mounts"][0]["ReadOnly"] is True
    assert host["read_only"] is True
    assert host["cap_drop"] == ["ALL"]
    assert host["security_opt"] == ["no-new-privileges:true"]
    assert host["ipc_mode"] == host["cgroupns"] == "private"


def test_programs_go_before_the_hosts_services_when_memory_is_short() -> None:
    assert options()["host"]["oom_score_adj"] == 500


def test_memory_has_no_swap_on_top() -> None:
    host = options()["host"]
    assert host["mem_limit"] == host["memswap_limit"] == 128 << 20


def test_the_program_gets_its_processes_and_the_runner_two_more() -> None:
    assert options()["host"]["pids_limit"] == 66


def test_a_stack_is_the_engines_unless_the_profile_names_one() -> None:
    assert "--stack" not in options()["container"]["command"]
    command = options(profile=replace(PROFILE, stack_bytes=96 << 20))["container"]["command"]
    assert command[command.index("--stack") + 1] == str(96 << 20)


def test_the_oci_runtime_has_room_for_its_threads_however_few_processes_a_program_gets() -> None:
    assert options(profile=replace(PROFILE, processes=2))["host"]["pids_limit"] == 16


def test_what_is_started_ahead_has_a_user_of_its_own_and_does_not_count_as_the_programs() -> None:
    made = options(profile=replace(PROFILE, ahead=Ahead("main.py", ("python3", "main.py"))))
    command = made["container"]["command"]
    policy = SandboxPolicy()
    uid = int(command[command.index("--ahead-uid") + 1])
    assert uid not in range(policy.first_uid, policy.first_uid + policy.uid_count)
    assert uid > 0
    assert made["host"]["pids_limit"] == 67
    assert "--ahead-uid" not in options()["container"]["command"]


def test_work_directories_are_in_memory_and_bounded_in_bytes_and_files() -> None:
    host = options()["host"]
    assert set(host["tmpfs"]) == {"/box", "/tmp", "/dev/shm"}
    for place, part in (("/box", 1), ("/tmp", 1), ("/dev/shm", 4)):
        bounds = {"nosuid", "nodev", f"size={(32 << 20) // part}", f"nr_inodes={16384 // part}"}
        assert bounds <= set(host["tmpfs"][place].split(","))


def test_the_right_to_change_network_is_given_only_where_it_is_used() -> None:
    assert {"SYS_ADMIN", "NET_ADMIN"} <= set(options()["host"]["cap_add"])
    kept = options(network="none")
    assert set(kept["host"]["cap_add"]) == {*RUNNER_CAPABILITIES, "SETPCAP"}
    assert kept["container"]["command"][4:6] == ["--net", "keep"]


def test_gvisor_has_room_for_itself_and_tells_the_runner_what_to_hold() -> None:
    plain, gvisor = options(network="none"), options(runtime="runsc", network="none")
    for made in (plain, gvisor):
        command = made["container"]["command"]
        assert command[command.index("--processes") + 1] == "66"
    assert gvisor["host"]["mem_limit"] == gvisor["host"]["memswap_limit"] == (128 << 20) + KERNEL_BYTES
    assert gvisor["host"]["pids_limit"] > plain["host"]["pids_limit"] == 66
    assert "--processes" not in options()["container"]["command"]


@pytest.mark.parametrize(("runtime", "options_of_it"), [("", ["apparmor=gexec-runner"]), ("runsc", [])])
def test_the_apparmor_profile_is_for_containers_in_which_the_runner_mounts(
    runtime: str, options_of_it: list[str]
) -> None:
    policy = SandboxPolicy(runtime=runtime, apparmor=APPARMOR_PROFILE)
    made = container_options(PROFILE, policy, uid=20_001, network="none", labels={}, volume="runner")
    held = holder_options(policy, labels={}, volume="runner")
    for host in (made["host"], held["host"]):
        assert host["security_opt"] == ["no-new-privileges:true", *options_of_it]


@pytest.mark.parametrize(
    ("runtime", "shared"), [("", True), ("runc", True), ("crun", True), ("runsc", False), ("kata", False)]
)
def test_runtimes_with_a_network_stack_of_their_own_keep_dockers_network(runtime: str, shared: bool) -> None:
    assert SandboxPolicy(runtime=runtime).shared_network_setup is shared


@pytest.mark.parametrize(
    ("asked", "default", "known", "chosen"),
    [
        ("", "runc", ["runc"], ("runc",)),
        ("", "runc", ["crun", "runc"], ("crun", "runc")),
        ("", "crun", ["crun", "runc"], ("crun",)),
        ("", "runsc", ["crun", "runc", "runsc"], ("runsc",)),
        ("", "", [], ("",)),
        ("runc", "runc", ["crun", "runc"], ("runc",)),
        ("runsc", "runc", ["crun", "runc", "runsc"], ("runsc",)),
    ],
)
def test_crun_takes_runcs_place_and_no_other(asked: str, default: str, known: list[str], chosen: tuple[str]) -> None:
    assert SandboxPolicy(runtime=asked).runtimes(default=default, known=known) == chosen


def test_the_operators_runtime_is_used() -> None:
    assert options(runtime="runsc")["host"]["runtime"] == "runsc"
    assert "runtime" not in options()["host"]


def test_the_container_ends_with_the_connection() -> None:
    made = options()
    assert made["container"]["stdin_open"] is True
    assert made["container"]["detach"] is False
    assert made["host"]["auto_remove"] is True
    assert made["host"]["log_config"] == {"Type": "none", "Config": {}}


def test_the_holder_of_the_network_can_do_nothing() -> None:
    host = holder_options(SandboxPolicy(), labels={}, volume="runner")["host"]
    assert host["cap_add"] == []
    assert host["network_mode"] == "none"
    assert host["pids_limit"] == 16
    assert host["mem_limit"] == 16 << 20
