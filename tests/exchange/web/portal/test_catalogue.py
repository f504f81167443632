"""The message catalogue is fresh, and Spanish is whole."""

import re
from gettext import GNUTranslations
from io import BytesIO
from typing import Any

import pytest
from babel.messages.pofile import read_po

from exchange.web.portal import wording
from exchange.web.portal.catalogue import TEMPLATE, compiled, extracted, languages, translation
from exchange.web.portal.viewer import LANGUAGES
from fhir_mapping.case_data.referral import Clock, ReferralStatus, Side, Stage
from fhir_mapping.codes.decline_reasons import DECLINE_REASONS
from fhir_mapping.codes.sdoh_categories import SDOH_CATEGORIES
from tests.exchange.web.portal.conftest import Browser, words

PLACEHOLDER = re.compile(r"%\(\w+\)[\d.]*\w")


def ids(catalogue: Any) -> set[Any]:
    return {message.id for message in catalogue if message.id}


def test_the_list_of_texts_is_fresh() -> None:
    """When this fails, run `python -m exchange.web.portal.catalogue`."""
    written = read_po(BytesIO(TEMPLATE.read_bytes()))

    assert ids(written) == ids(extracted())


def test_there_is_a_translation_for_each_language_offered() -> None:
    assert {"en", *languages()} == set(LANGUAGES)


@pytest.mark.parametrize("language", languages())
def test_a_translation_is_whole_and_keeps_its_placeholders(language: str) -> None:
    translated = translation(language)

    assert ids(translated) == ids(extracted())
    for message in translated:
        if message.id:
            said = message.string if isinstance(message.string, tuple) else (message.string,)
            assert all(said), message.id
            wanted = message.id[-1] if isinstance(message.id, tuple) else message.id
            assert set(PLACEHOLDER.findall(said[-1])) == set(PLACEHOLDER.findall(wanted)), message.id


@pytest.mark.parametrize("language", languages())
def test_what_is_read_at_run_time_is_what_is_written(language: str) -> None:
    path = TEMPLATE.parent / language / "LC_MESSAGES" / "messages.mo"

    read, written = (
        {key: text for key, text in GNUTranslations(BytesIO(body))._catalog.items() if key}  # type: ignore[attr-defined]
        for body in (path.read_bytes(), compiled(translation(language)))
    )

    assert read == written


def test_a_browser_that_prefers_spanish_reads_spanish(browser: Browser) -> None:
    response = browser.client.get("/sign-in", headers={"Accept-Language": "es-MX,es;q=0.9,en;q=0.5"})

    assert '<html lang="es">' in response.get_data(as_text=True)
    assert "Iniciar sesión" in words(response)


def test_a_browser_that_prefers_a_language_we_lack_reads_english(browser: Browser) -> None:
    response = browser.client.get("/sign-in", headers={"Accept-Language": "fi"})

    assert '<html lang="en">' in response.get_data(as_text=True)


def test_every_state_and_code_has_its_words() -> None:
    from exchange.domain.actor import Role
    from exchange.domain.events import EventKind
    from fhir_mapping.case_data.referral import Priority

    assert set(wording.STATUS) == set(ReferralStatus)
    assert set(wording.STAGE) == set(Stage)
    assert set(wording.PRIORITY) == set(Priority)
    assert set(wording.CLOCK) == set(wording.SILENCE) == set(Clock)
    assert set(wording.EVENT) == set(EventKind)
    assert set(wording.ROLE) == set(Role)
    assert set(wording.NEED) == set(SDOH_CATEGORIES)
    assert set(wording.REASON) == set(DECLINE_REASONS)
    assert {side for _, side in wording.NEXT_STEP} == set(Side) - {Side.SYSTEM}


def test_the_words_of_a_reason_are_those_of_its_table() -> None:
    assert {code: str(text) for code, text in wording.REASON.items()} == {
        code: row.display for code, row in DECLINE_REASONS.items()
    }


def test_languages_are_named_in_the_language_of_the_page(house: Any, signed_in: Any) -> None:
    sent, browser = house.send(), signed_in("pantry")

    response = browser.client.get(f"/referrals/{sent.referral.id}", headers={"Accept-Language": "es"})

    assert "Idioma español Necesita intérprete" in words(response)
