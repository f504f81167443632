"""What every form of the portal has: one place for errors, labels in the catalogue. CSRF is checked at the door."""

from collections.abc import Iterable
from typing import Any

from flask_babel import lazy_gettext as _
from flask_wtf import FlaskForm
from wtforms import Field, SelectChoice
from wtforms.validators import DataRequired, InputRequired, Length

from exchange.domain.errors import Unprocessable

LONGEST_TEXT = 4000
#  kilometres, as the directory takes them, in the miles of its readers
RADII = (("8", _("5 miles")), ("25", _("15 miles")), ("80", _("50 miles")))


class PageForm(FlaskForm):
    """A form of the portal. Its token is checked for the whole door, so fields carry none of their own."""

    class Meta:
        csrf = False

    def blame(self, error: Unprocessable) -> bool:
        """Show a refusal beside the field it names; False when no field of this form is meant."""
        field = self._fields.get((error.expression or "").rpartition(".")[2])
        if field is None:
            return False
        field.errors = [*field.errors, error.sentence]
        return True


def choices(pairs: Iterable[tuple[str, Any]]) -> list[SelectChoice]:
    """Return the options of a select or of radios: value and words."""
    return [SelectChoice(value, words) for value, words in pairs]


def stripped(value: Any) -> Any:
    """Return a text without the blanks around it."""
    return value.strip() if isinstance(value, str) else value


def needed(sentence: Any) -> DataRequired:
    """Return the validator of a field that must say something."""
    return DataRequired(message=sentence)


def chosen(sentence: Any) -> InputRequired:
    """Return the validator of a choice that must be made."""
    return InputRequired(message=sentence)


def at_most(characters: int) -> Length:
    """Return the validator of the longest text."""
    return Length(max=characters, message=_("Use at most %(max)d characters."))


def first_error(form: PageForm) -> Field | None:
    """Return the first field that has an error."""
    return next((field for field in form if field.errors), None)
