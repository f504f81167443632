"""A person who is referred: what an agency must know to reach them. Health data: sealed at rest, never in a log."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Person:
    """The person. `birth_date` is a FHIR date (year, month or day); `language` is BCP 47; the rest is as written."""

    family: str = ""
    given: tuple[str, ...] = ()
    full_name: str = ""
    birth_date: str = ""
    gender: str = ""
    phones: tuple[str, ...] = ()
    emails: tuple[str, ...] = ()
    address_lines: tuple[str, ...] = ()
    city: str = ""
    state: str = ""
    zip_code: str = ""
    language: str = ""
    language_name: str = ""
    interpreter_needed: bool = False
    deceased: bool = False

    @property
    def name(self) -> str:
        """The name as it is spoken: as written in full, else given names and family name."""
        return self.full_name or " ".join((*self.given, self.family)).strip()

    @property
    def initials(self) -> str:
        """The first letters of the first and the last part of the name: what a list may show."""
        words = [*self.given[:1], self.family] if self.family else self.name.split()
        return "".join(word[0].upper() for word in (*words[:1], *words[1:][-1:]) if word)
