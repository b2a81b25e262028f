import pytest

from setwise.command_settings import command_settings
from setwise.settings import Settings, SettingsError
from tests.documented import documented


def test_an_empty_environment_gives_the_embedded_defaults() -> None:
    settings = Settings.from_env({})
    assert settings.vectors.backend == "in-process"
    assert settings.features.backend == "sqlite"


def test_each_backend_is_chosen_by_its_own_variable() -> None:
    settings = Settings.from_env({"SETWISE_VECTORS": "weaviate", "SETWISE_WEAVIATE_HOST": "vectors.internal"})
    assert (settings.vectors.backend, settings.vectors.weaviate_host) == ("weaviate", "vectors.internal")
    assert settings.features.backend == "sqlite"


def test_a_variable_that_is_set_to_nothing_keeps_its_default() -> None:
    assert Settings.from_env({"SETWISE_PORT": ""}).service.port == 8000


@pytest.mark.parametrize(
    ("variable", "value", "said"),
    [
        ("SETWISE_PORT", "eighty", "SETWISE_PORT='eighty' is not accepted: expected int"),
        ("SETWISE_FEATURES", "mysql", "expected sqlite or redis"),
        ("SETWISE_FEATURE", "redis", "SETWISE_FEATURE is not a setting"),
    ],
)
def test_a_wrong_setting_is_named_with_what_it_accepts(variable: str, value: str, said: str) -> None:
    with pytest.raises(SettingsError, match=said):
        Settings.from_env({variable: value})


def test_every_setting_is_documented() -> None:
    assert [entry.variable for entry in documented() if not entry.text] == []


def test_a_command_whose_settings_do_not_fit_ends_with_a_sentence(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        command_settings({"SETWISE_PORT": "front door"})
    assert ended.value.code == 2
    said = capsys.readouterr().err
    assert said.startswith("setwise: SETWISE_PORT='front door' is not accepted") and said.count("\n") == 1
