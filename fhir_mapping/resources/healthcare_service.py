"""The HealthcareService of a listed service. SDOHCC 3.0.0, SDOHCC-HealthcareService. Read-only to clients."""

import re
from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import Final

from directory.records import Schedule, Service, TaxonomyTerm
from fhir_mapping import systems
from fhir_mapping.datatypes import concept, instant, reference, without_nothing
from fhir_mapping.json_text import Json
from fhir_mapping.resources.contact_points import telecoms

_DAYS: Final = {"MO": "mon", "TU": "tue", "WE": "wed", "TH": "thu", "FR": "fri", "SA": "sat", "SU": "sun"}
_CLOCK: Final = re.compile(r"(?:[01][0-9]|2[0-3]):[0-5][0-9]")
_APPOINTMENT: Final = {
    "url": systems.SDOHCC + "SDOHCC-ExtensionHealthcareServiceTelecomAppointment",
    "valueBoolean": True,
}


def healthcare_service(
    service: Service, *, last_updated: datetime, provider_name: str | None = None, needs: Iterable[str] = ()
) -> Json:
    """Return the HealthcareService. `needs` are codes of `SDOH_CATEGORIES` that the service answers.

    The profile asks for a telecom by which an appointment is made; it is claimed only where the directory gives one.
    """
    telecom = telecoms(service.phones, email=service.email, url=service.url)
    for item in telecom:
        if item["system"] in {"phone", "email"}:
            item["extension"] = [_APPOINTMENT]
    appointed = any("extension" in item for item in telecom)
    profile = [systems.SDOHCC_HEALTHCARE_SERVICE] if appointed and service.status == "active" else None
    category = concept(systems.US_CORE_CATEGORY, "sdoh", "SDOH")
    category["coding"] += [{"system": systems.SDOHCC_CODES, "code": need} for need in needs]
    terms = [term.name for term in _terms(service) if term.name]
    return without_nothing(
        {
            "resourceType": "HealthcareService",
            "id": service.id,
            "meta": without_nothing({"lastUpdated": instant(last_updated), "profile": profile}),
            "active": service.status == "active",
            "providedBy": reference(f"Organization/{service.organization_id}", provider_name),
            "category": [category],
            "type": [{"text": name} for name in dict.fromkeys(terms)],
            "location": [reference(f"Location/{place}") for place in _places(service)],
            "name": service.name,
            "comment": service.description,
            "extraDetails": service.application_process,
            "telecom": telecom,
            "eligibility": [{"comment": service.eligibility_description}] if service.eligibility_description else None,
            "program": [{"text": service.program.name}] if service.program and service.program.name else None,
            "communication": [
                concept(systems.LANGUAGE, language.code, text=language.name)
                if language.code
                else {"text": language.name}
                for language in service.languages
                if language.code or language.name
            ],
            "availableTime": [time for schedule in _schedules(service) for time in available_time(schedule)],
        }
    )


def available_time(schedule: Schedule) -> Iterator[Json]:
    """Yield the weekly opening of a schedule; one that is not weekly, or has no hours, is not said in FHIR."""
    if not schedule.byday or schedule.freq not in {None, "WEEKLY"}:
        return
    days = [_DAYS[day.strip()[-2:]] for day in schedule.byday.split(",") if day.strip()[-2:] in _DAYS]
    opens, closes = clock(schedule.opens_at), clock(schedule.closes_at)
    if days and opens and closes:
        yield {"daysOfWeek": days, "availableStartTime": opens, "availableEndTime": closes}


def clock(text: str | None) -> str | None:
    """Return HH:MM (with or without a zone) as a FHIR time; None where there is none.

    Midnight at the end of a day, which FHIR cannot write, is its last second.
    """
    if text and text.startswith("24:00"):
        return "23:59:59"
    return f"{text[:5]}:00" if text and _CLOCK.match(text) else None


def _terms(service: Service) -> Iterator[TaxonomyTerm]:
    return (attribute.taxonomy_term for attribute in service.attributes if attribute.taxonomy_term)


def _places(service: Service) -> list[str]:
    return list(dict.fromkeys(place.location_id for place in service.service_at_locations))


def _schedules(service: Service) -> tuple[Schedule, ...]:
    return service.schedules or tuple(
        schedule for place in service.service_at_locations for schedule in place.schedules
    )
