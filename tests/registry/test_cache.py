"""The cache: where it is, what it has, and what `data:NAME` means in a config."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

import pytest

from rnnexp.config.loading import load_config, resolved_yaml
from rnnexp.data.prepare import prepare
from rnnexp.errors import DataError, Problem, RnnexpError, UnsafeError
from rnnexp.registry import cache as cache_module
from rnnexp.registry.cache import cache_folder, missing, presence
from rnnexp.registry.sets import RegistryFile, RegistrySet

TEXT = b"to be or not to be, that is the question\n" * 30
SERIES = b"day,temperature\n" + b"".join(b"%d,%d\n" % (i, i % 7) for i in range(200))


def file_of(path: str, content: bytes) -> RegistryFile:
    url = f"https://example.org/{path}"
    return RegistryFile(path, url, len(content), hashlib.sha256(content).hexdigest())


SETS = (
    RegistrySet("plays", "Plays", "none", "a test", (file_of("plays.txt", TEXT),)),
    RegistrySet(
        "pairs",
        "Pairs",
        "none",
        "a test",
        (file_of("pairs/train.txt", TEXT), file_of("pairs/val.txt", TEXT[:41])),
    ),
    RegistrySet(
        "spread", "Two", "none", "a test", (file_of("a/x.txt", TEXT), file_of("b/x.txt", TEXT))
    ),
    RegistrySet(
        "fresh", "No hash", "none", "a test", (RegistryFile("fresh.csv", "https://example.org/f"),)
    ),
)


@pytest.fixture(autouse=True)
def _sets(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cache_module, "SETS", SETS)


def put(cache: Path, path: str, content: bytes) -> Path:
    (cache / path).parent.mkdir(parents=True, exist_ok=True)
    (cache / path).write_bytes(content)
    return cache / path


def experiment(tmp_path: Path, path: str) -> Path:
    config = tmp_path / "experiment.yaml"
    config.write_text(
        f"name: x\ndata:\n  source: text\n  path: {path}\n  window: 16\n"
        "task: {kind: many_to_many}\n"
    )
    return config


def refused(tmp_path: Path, path: str, kind: type[RnnexpError] = DataError) -> Problem:
    with pytest.raises(kind) as caught:
        prepare(load_config(experiment(tmp_path, path)))
    (problem,) = caught.value.problems
    assert problem.key == "data.path"
    assert problem.position is not None and problem.position.line == 4
    return problem


# -- where -----------------------------------------------------------------------------------------


def test_where_the_cache_is(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.delenv("RNNEXP_DATA", raising=False)
    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
    assert cache_folder() == tmp_path / ".cache" / "rnnexp"
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "xdg"))
    assert cache_folder() == tmp_path / "xdg" / "rnnexp"
    monkeypatch.setenv("RNNEXP_DATA", str(tmp_path / "own"))
    assert cache_folder() == tmp_path / "own"


def test_presence_is_told_by_size(cache: Path) -> None:
    files = SETS[1].files
    assert presence(files, cache) == "no"
    put(cache, "pairs/train.txt", TEXT)
    assert presence(files, cache) == "partly"
    put(cache, "pairs/val.txt", TEXT[:41])
    assert presence(files, cache) == "yes"
    put(cache, "pairs/val.txt", TEXT[:40])
    assert presence(files, cache) == "damaged"


def test_what_a_config_still_needs(cache: Path) -> None:
    text = "data:\n  path: data:plays\n  val_path: data:pairs/val.txt\n"
    assert missing(text) == ["plays", "pairs"]
    put(cache, "plays.txt", TEXT)
    assert missing(text) == ["pairs"]
    assert missing("data:\n  path: own.txt\n") == []


# -- data:NAME -------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["plays", "plays.txt", "pairs/train.txt"])
def test_a_config_reads_a_set_from_the_cache(name: str, cache: Path, tmp_path: Path) -> None:
    put(cache, "plays.txt", TEXT)
    path = put(cache, "pairs/train.txt", TEXT)
    dataset = prepare(load_config(experiment(tmp_path, f"data:{name}")))
    (record,) = dataset.record["files"]
    assert record["sha256"] == SETS[0].files[0].sha256
    assert Path(record["path"]) in (path, cache / "plays.txt")


def test_an_override_and_a_bare_word_in_yaml(cache: Path, tmp_path: Path) -> None:
    put(cache, "plays.txt", TEXT)
    config = load_config(experiment(tmp_path, "own.txt"), ["data.path=data:plays"])
    assert config.file("data.path") == cache / "plays.txt"


def test_a_set_of_several_files_is_a_folder(cache: Path, tmp_path: Path) -> None:
    put(cache, "pairs/train.txt", TEXT)
    put(cache, "pairs/val.txt", TEXT[:41])
    config = load_config(experiment(tmp_path, "data:pairs"))
    assert config.file("data.path") == cache / "pairs"


def test_a_set_in_two_folders_is_none(cache: Path, tmp_path: Path) -> None:
    put(cache, "a/x.txt", TEXT)
    put(cache, "b/x.txt", TEXT)
    problem = refused(tmp_path, "data:spread")
    assert problem.allowed == "data:a/x.txt, data:b/x.txt"


def test_the_resolved_config_keeps_the_name(cache: Path, tmp_path: Path) -> None:
    config = load_config(experiment(tmp_path, "data:plays"))
    resolved = tmp_path / "elsewhere" / "resolved.yaml"
    resolved.parent.mkdir()
    resolved.write_text(resolved_yaml(config))
    put(cache, "plays.txt", TEXT)
    assert load_config(resolved).file("data.path") == cache / "plays.txt"


def test_what_is_not_in_the_cache_names_the_command(cache: Path, tmp_path: Path) -> None:
    for name in ("pairs", "pairs/val.txt"):
        problem = refused(tmp_path, f"data:{name}")
        assert (problem.code, problem.hint) == ("DAT162", "rnnexp data get pairs")
        assert str(cache) in problem.message
    assert not cache.exists()


@pytest.mark.parametrize("content", [TEXT[:-1], b"?" + TEXT[1:]], ids=["size", "hash"])
def test_what_is_not_as_published_is_refused(content: bytes, cache: Path, tmp_path: Path) -> None:
    put(cache, "plays.txt", content)
    problem = refused(tmp_path, "data:plays")
    assert problem.code == "DAT163"
    assert hashlib.sha256(content).hexdigest() in problem.message
    assert str(SETS[0].files[0].sha256) in problem.message


def test_a_file_that_changes_is_hashed_again(cache: Path, tmp_path: Path) -> None:
    path = put(cache, "plays.txt", TEXT)
    config = load_config(experiment(tmp_path, "data:plays"))
    assert config.file("data.path") == path
    path.write_bytes(b"?" + TEXT[1:])
    with pytest.raises(DataError):
        config.file("data.path")


def test_without_a_published_hash_the_recorded_one_counts(cache: Path, tmp_path: Path) -> None:
    put(cache, "fresh.csv", SERIES)
    config = load_config(experiment(tmp_path, "data:fresh"))
    assert config.file("data.path") == cache / "fresh.csv"
    put(cache, "fresh.csv.sha256", b"0" * 64 + b"  fresh.csv\n")
    with pytest.raises(DataError, match="0" * 64):
        config.file("data.path")


def test_an_unknown_name_gets_the_nearest(cache: Path, tmp_path: Path) -> None:
    assert refused(tmp_path, "data:palys").suggestion == "data:plays"
    assert refused(tmp_path, "data:pairs/trian.txt").suggestion == "data:pairs/train.txt"
    problem = refused(tmp_path, '"data:"')
    assert problem.code == "DAT161" and "plays" in str(problem.allowed)


@pytest.mark.parametrize("name", ["../x.txt", "pairs/../../x.txt", "/etc/passwd"])
def test_a_name_does_not_lead_out_of_the_cache(
    name: str, cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    put(cache, "../x.txt", TEXT)
    problem = refused(tmp_path, f"data:{name}", UnsafeError)
    assert problem.code == "SAF020"


def test_a_file_of_ones_own_with_such_a_name(cache: Path, tmp_path: Path) -> None:
    (tmp_path / "data:plays").write_bytes(TEXT)
    config: Any = load_config(experiment(tmp_path, "./data:plays"))
    assert config.file("data.path").read_bytes() == TEXT
