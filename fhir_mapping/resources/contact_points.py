"""Telecoms and addresses of listed agencies: what the directory's records become in FHIR."""

from collections.abc import Iterable

from directory.records import Address, Phone
from fhir_mapping.datatypes import without_nothing
from fhir_mapping.json_text import Json


def telecoms(phones: Iterable[Phone], *, email: str | None = None, url: str | None = None) -> list[Json]:
    """Return ContactPoints for work: phones with their extension, then e-mail and web page."""
    found = [_phone(phone) for phone in phones if phone.number.strip()]
    found += [{"system": "email", "value": email, "use": "work"}] if email else []
    found += [{"system": "url", "value": url, "use": "work"}] if url else []
    return found


def _phone(phone: Phone) -> Json:
    number = f"{phone.number} ext. {phone.extension}" if phone.extension else phone.number
    system = {"fax": "fax", "sms": "sms", "pager": "pager"}.get((phone.type or "").casefold(), "phone")
    return {"system": system, "value": number, "use": "work"}


def address(record: Address) -> Json:
    """Return an Address; a part the source does not give is left out."""
    lines = [line for line in (record.attention, record.address_1, record.address_2) if line]
    return without_nothing(
        {
            "use": "work",
            "type": "postal" if record.address_type == "postal" else "physical",
            "line": lines,
            "city": record.city,
            "state": record.state_province,
            "postalCode": record.postal_code,
            "country": record.country,
        }
    )
