"""The environment, read once."""

from pathlib import Path

import pytest

from gateway.settings import SettingsError, read_settings


def test_nothing_set_is_fine() -> None:
    settings = read_settings({})
    assert settings.port == 8081
    assert settings.credentials == {}
    assert settings.redis_url is None


@pytest.mark.parametrize("text", ["x", "-1", "70000", "80 ", "\uff18\uff10"])
def test_a_port_that_is_none_is_named(text: str) -> None:
    with pytest.raises(SettingsError, match="PORTCULLIS_PORT"):
        read_settings({"PORTCULLIS_PORT": text})


def test_a_log_level_that_is_none_is_named() -> None:
    with pytest.raises(SettingsError, match="PORTCULLIS_LOG_LEVEL"):
        read_settings({"PORTCULLIS_LOG_LEVEL": "loud"})


def test_a_credential_may_stand_in_a_file(tmp_path: Path) -> None:
    file = tmp_path / "key"
    file.write_text("from-file\n")
    settings = read_settings({"OPENAI_API_KEY_FILE": str(file), "GROQ_API_KEY": " from-env "})
    assert settings.credentials == {"OPENAI_API_KEY": "from-file", "GROQ_API_KEY": "from-env"}
    with pytest.raises(SettingsError, match="OPENAI_API_KEY_FILE"):
        read_settings({"OPENAI_API_KEY_FILE": str(tmp_path / "none")})


def test_an_empty_credential_is_none() -> None:
    assert read_settings({"OPENAI_API_KEY": " "}).credentials == {}


def test_nothing_secret_is_shown() -> None:
    settings = read_settings({"OPENAI_API_KEY": "planted", "REDIS_URL": "redis://:planted@h/0"})
    assert "planted" not in repr(settings)
    assert "planted" not in str(settings.public())
    assert settings.public()["credentials_set"] == ["OPENAI_API_KEY"]


def test_credentials_may_stand_in_a_folder(tmp_path: Path) -> None:
    """As a mounted Secret has them. What is nearer to the process wins."""
    (tmp_path / "OPENAI_API_KEY").write_text("from-folder\n")
    (tmp_path / "GROQ_API_KEY").write_text("from-folder")
    (tmp_path / "ANTHROPIC_API_KEY").write_text("\n")
    (tmp_path / "..data").mkdir()
    (tmp_path / "UNKNOWN").write_text("x")
    settings = read_settings({"PORTCULLIS_CREDENTIALS_DIR": str(tmp_path), "GROQ_API_KEY": "from-env"})
    assert settings.credentials == {"OPENAI_API_KEY": "from-folder", "GROQ_API_KEY": "from-env"}


def test_a_folder_of_credentials_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="PORTCULLIS_CREDENTIALS_DIR: there is no folder"):
        read_settings({"PORTCULLIS_CREDENTIALS_DIR": str(tmp_path / "none")})
    (tmp_path / "OPENAI_API_KEY").mkdir()
    with pytest.raises(SettingsError, match=r"PORTCULLIS_CREDENTIALS_DIR: cannot read .*OPENAI_API_KEY"):
        read_settings({"PORTCULLIS_CREDENTIALS_DIR": str(tmp_path)})


@pytest.mark.parametrize("name", ["PORTCULLIS_DRAIN_DELAY_S", "PORTCULLIS_DRAIN_GRACE_S"])
@pytest.mark.parametrize("text", ["x", "-1", "3601", "1e2", "15s", "nan"])
def test_a_time_that_is_none_is_named(name: str, text: str) -> None:
    with pytest.raises(SettingsError, match=name):
        read_settings({name: text})


def test_how_long_it_drains() -> None:
    unset, given = read_settings({}), read_settings({"PORTCULLIS_DRAIN_DELAY_S": "1.5"})
    assert (unset.drain_delay_s, unset.drain_grace_s) == (0, 620)
    assert (given.drain_delay_s, given.drain_grace_s) == (1.5, 620)


@pytest.mark.parametrize("name", ["PORTCULLIS_TLS_CERT_FILE", "PORTCULLIS_TLS_KEY_FILE"])
def test_a_certificate_without_its_key_is_none(name: str) -> None:
    with pytest.raises(SettingsError, match="go together"):
        read_settings({name: "/a/file"})


def test_a_ca_for_a_store_without_tls_is_a_mistake(tmp_path: Path) -> None:
    file = tmp_path / "ca.crt"
    file.write_text("")
    assert read_settings({"REDIS_URL": "rediss://h/0", "REDIS_CA_FILE": str(file)}).redis_ca_file == file
    with pytest.raises(SettingsError, match="rediss://"):
        read_settings({"REDIS_URL": "redis://h/0", "REDIS_CA_FILE": str(file)})
    with pytest.raises(SettingsError, match="REDIS_CA_FILE: there is no file"):
        read_settings({"REDIS_URL": "rediss://h/0", "REDIS_CA_FILE": str(tmp_path / "none")})
