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
