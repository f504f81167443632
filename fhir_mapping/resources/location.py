"""The Location of a listed place. SDOHCC 3.0.0, SDOHCC-Location. Read-only to clients."""

from datetime import datetime

from directory import records
from fhir_mapping import systems
from fhir_mapping.datatypes import instant, reference, without_nothing
from fhir_mapping.json_text import Json
from fhir_mapping.resources.contact_points import address, telecoms
from fhir_mapping.resources.healthcare_service import available_time


def location(place: records.Location, *, last_updated: datetime, organization_name: str | None = None) -> Json:
    """Return the Location. The profile asks for a name and an address; it is claimed where the directory gives both."""
    addresses = sorted(place.addresses, key=lambda one: one.address_type == "postal")
    written = address(addresses[0]) if addresses else None
    name = place.name or place.alternate_name
    known = place.latitude is not None and place.longitude is not None
    return without_nothing(
        {
            "resourceType": "Location",
            "id": place.id,
            "meta": without_nothing(
                {
                    "lastUpdated": instant(last_updated),
                    "profile": [systems.SDOHCC_LOCATION] if name and written else None,
                }
            ),
            "status": "active",
            "name": name,
            "alias": [place.alternate_name] if place.name and place.alternate_name else None,
            "description": place.description or place.transportation,
            "mode": "instance",
            "telecom": telecoms(place.phones, url=place.url),
            "address": written,
            "position": {"longitude": place.longitude, "latitude": place.latitude} if known else None,
            "managingOrganization": reference(f"Organization/{place.organization_id}", organization_name)
            if place.organization_id
            else None,
            "hoursOfOperation": [
                {
                    "daysOfWeek": time["daysOfWeek"],
                    "openingTime": time["availableStartTime"],
                    "closingTime": time["availableEndTime"],
                }
                for schedule in place.schedules
                for time in available_time(schedule)
            ],
        }
    )
