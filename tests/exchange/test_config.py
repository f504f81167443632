"""What a process is told by its environment: secrets come from files, and a wrong setting is a sentence."""

from pathlib import Path

import pytest

from exchange.app import open_database
from exchange.config import WrongSetting, config_from
from tests.exchange.conftest import KEYS


def test_the_password_of_a_database_comes_from_a_file(tmp_path: Path) -> None:
    (tmp_path / "password").write_text("s3cret/with:signs@\n")
    config = config_from(
        {
            "EXCHANGE_DATABASE_URL": "postgresql+psycopg://exchange@db.invalid/exchange",
            "EXCHANGE_DATABASE_PASSWORD_FILE": str(tmp_path / "password"),
        }
    )

    database = open_database(config, keys=KEYS)

    assert database.url.password == "s3cret/with:signs@"
    assert "s3cret" not in repr(config)
    database.close()


def test_a_password_file_that_is_not_there_is_a_sentence(tmp_path: Path) -> None:
    config = config_from({"EXCHANGE_DATABASE_PASSWORD_FILE": str(tmp_path / "none")})

    with pytest.raises(WrongSetting) as refused:
        open_database(config, keys=KEYS)

    assert refused.value.sentence == "EXCHANGE_DATABASE_PASSWORD_FILE must name a file that can be read."
