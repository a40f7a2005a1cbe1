import stat
import zlib
from pathlib import Path

import pytest

from tollbridge.errors import ConfigError
from tollbridge.home import ALPHABET, Home, base62, checksum, new_key


def test_the_master_key_is_made_once_and_kept_for_its_owner_alone(tmp_path: Path):
    home = Home(tmp_path / "state")
    key, unshown = home.master_key()
    assert unshown
    assert home.master_key() == (key, True), "a start that fails shows it to nobody"
    home.showed_master_key()
    assert home.master_key() == (key, False)
    assert [file.name for file in home.path.iterdir()] == ["master_key"]
    assert stat.S_IMODE((tmp_path / "state" / "master_key").stat().st_mode) == 0o600
    assert stat.S_IMODE((tmp_path / "state").stat().st_mode) == 0o700


def test_a_key_file_that_others_can_read_is_closed(tmp_path: Path):
    (tmp_path / "master_key").write_text("sk-something\n")
    (tmp_path / "master_key").chmod(0o644)
    assert Home(tmp_path).master_key() == ("sk-something", False)
    assert stat.S_IMODE((tmp_path / "master_key").stat().st_mode) == 0o600


def test_no_draft_stays_behind(tmp_path: Path):
    Home(tmp_path).seal_key()
    assert [file.name for file in tmp_path.iterdir()] == ["seal_key"]


def test_a_directory_that_cannot_be_used_says_what_to_do(tmp_path: Path):
    (tmp_path / "file").write_text("")
    with pytest.raises(ConfigError, match="TOLLBRIDGE_HOME"):
        Home(tmp_path / "file").seal_key()


def test_the_directory_is_found_in_the_environment(tmp_path: Path):
    assert Home.of({"TOLLBRIDGE_HOME": str(tmp_path)}).path == tmp_path
    assert Home.of({"HOME": str(tmp_path)}).path == tmp_path / ".tollbridge"


def test_a_key_has_a_public_id_256_random_bits_and_a_checksum():
    key = new_key()
    assert key.startswith("sk-tb-")
    assert len(key) == len("sk-tb-") + 8 + 43 + 6
    assert key[-6:] == checksum(key[:-6])
    assert new_key() != key


def test_base62_is_positional():
    assert base62(zlib.crc32(b"").to_bytes(4, "big"), 6) == "000000"
    assert base62(b"\x3e", 2) == "10"
    assert set(base62(b"\xff" * 32, 43)) <= set(ALPHABET)


def test_the_pepper_is_made_once_and_the_environments_stands_before_it(tmp_path: Path):
    home = Home(tmp_path)
    pepper = home.pepper()
    assert len(pepper) == 32
    assert home.pepper() == pepper
    assert stat.S_IMODE((tmp_path / "pepper").stat().st_mode) == 0o600
    given = Home.of({"TOLLBRIDGE_HOME": str(tmp_path), "TOLLBRIDGE_PEPPER": " " + "ab" * 32 + "\n"})
    assert given.pepper() == b"\xab" * 32


@pytest.mark.parametrize("text", ["", "ab", "not hexadecimal at all", "ab" * 31])
def test_a_pepper_that_is_none_is_refused_and_not_repeated(tmp_path: Path, text: str):
    with pytest.raises(ConfigError, match="TOLLBRIDGE_PEPPER is no pepper") as caught:
        Home.of({"TOLLBRIDGE_HOME": str(tmp_path), "TOLLBRIDGE_PEPPER": text}).pepper()
    assert text not in str(caught.value) or len(text) <= 2


def test_a_key_may_be_made_under_an_id_that_is_there_already():
    key = new_key("abcd1234")
    assert key.startswith("sk-tb-abcd1234")
    assert len(key) == 63
    assert checksum(key[:-6]) == key[-6:]
