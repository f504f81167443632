"""The message catalogue: `python -m exchange.web.portal.catalogue` collects every text and compiles the translations.

Texts are marked `_("…")` in Python and in templates. `messages.pot` lists them; each
`<language>/LC_MESSAGES/messages.po` is brought up to date and compiled to the `.mo` beside it, which the portal reads.
"""

from io import BytesIO
from pathlib import Path

from babel.messages.catalog import Catalog
from babel.messages.extract import extract_from_dir
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po, write_po

PORTAL = Path(__file__).parent
FOLDER = PORTAL / "translations"
TEMPLATE = FOLDER / "messages.pot"
METHODS = [("translations/**", "ignore"), ("**.py", "python"), ("templates/**.html", "jinja2")]
KEYWORDS = {"_": None, "gettext": None, "ngettext": (1, 2)}
WIDTH = 110
NOT_WRITTEN = tuple(
    f'"{name}:'.encode()
    for name in (
        "POT-Creation-Date", "PO-Revision-Date", "Report-Msgid-Bugs-To", "Last-Translator", "Language-Team",
        "Generated-By",
    )
)  # fmt: skip
HEADER = "# Every text of the portal. Written by: python -m exchange.web.portal.catalogue"


def extracted() -> Catalog:
    """Return a catalogue of every text of the portal, with the files it stands in."""
    catalogue = Catalog(
        header_comment=HEADER, project="Referral Exchange", version="portal", charset="utf-8", fuzzy=False,
    )  # fmt: skip
    for name, _line, message, comments, context in extract_from_dir(
        PORTAL, METHODS, keywords=KEYWORDS, comment_tags=("Translators:",)
    ):
        catalogue.add(message, None, [(name, None)], auto_comments=comments, context=context)
    return catalogue


def languages() -> list[str]:
    """Return the languages there are translations for."""
    return sorted(path.parent.parent.name for path in FOLDER.glob("*/LC_MESSAGES/messages.po"))


def translation(language: str) -> Catalog:
    """Return the translation of a language, as it is written."""
    return read_po(BytesIO(_po(language).read_bytes()), locale=language)


def compiled(catalogue: Catalog) -> bytes:
    """Return a translation in the form that is read at run time."""
    out = BytesIO()
    write_mo(out, catalogue)
    return out.getvalue()


def refresh() -> None:
    """Write `messages.pot`, bring each translation up to date and compile it."""
    template = extracted()
    TEMPLATE.write_bytes(_written(template))
    for language in languages():
        catalogue = translation(language)
        catalogue.update(template, no_fuzzy_matching=True, update_header_comment=False)
        catalogue.obsolete.clear()
        _po(language).write_bytes(_written(catalogue))
        _po(language).with_suffix(".mo").write_bytes(compiled(catalogue))


def _po(language: str) -> Path:
    return FOLDER / language / "LC_MESSAGES" / "messages.po"


def _written(catalogue: Catalog) -> bytes:
    out = BytesIO()
    write_po(out, catalogue, width=WIDTH, sort_output=True, omit_header=False)
    #  no clock and no placeholder in a generated file: the same texts give the same bytes
    return b"".join(line for line in out.getvalue().splitlines(keepends=True) if not line.startswith(NOT_WRITTEN))


if __name__ == "__main__":
    refresh()
