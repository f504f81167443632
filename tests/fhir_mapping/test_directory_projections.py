"""Organization, HealthcareService and Location: what the directory lists becomes FHIR that passes our own check."""

from datetime import UTC, datetime

import pytest

from directory import records
from fhir_mapping import systems
from fhir_mapping.conformance import check
from fhir_mapping.datatypes import Token
from fhir_mapping.resources.healthcare_service import available_time, clock, healthcare_service
from fhir_mapping.resources.location import location
from fhir_mapping.resources.organization import organization
from fhir_mapping.search_parameters import extract

NOW = datetime(2026, 11, 23, 10, 0, tzinfo=UTC)
WEEKDAYS = records.Schedule(freq="WEEKLY", byday="MO,TU,FR", opens_at="09:00", closes_at="17:30-05:00")


def test_a_member_that_is_not_listed_is_an_organization() -> None:
    shown = organization(
        "org-1",
        name="Mercy Hospital",
        last_updated=NOW,
        kind="hospital",
        phone="415-555-0100",
        identifiers=[Token(systems.NPI, "1740000019")],
    )

    assert check(shown) == ()
    assert shown["identifier"][1] == {"system": systems.NPI, "value": "1740000019"}
    assert shown["type"][0]["coding"][0]["code"] == "prov"
    assert shown["meta"]["lastUpdated"] == "2026-11-23T10:00:00.000Z"


def test_a_listed_agency_shows_what_the_directory_knows_and_membership_goes_first() -> None:
    listed = records.Organization(
        id="org-2",
        name="Pantry",
        alternate_name="The Pantry",
        email="old@pantry.example",
        website="https://pantry.example",
        tax_id="12-3456789",
        parent_organization_id="org-3",
        phones=(records.Phone(number="415-555-0142", extension="2"), records.Phone(number="5", type="fax")),
    )

    shown = organization("org-2", name="Pantry", last_updated=NOW, listed=listed, email="desk@pantry.example")

    assert check(shown) == ()
    assert [item["value"] for item in shown["telecom"]] == [
        "415-555-0142 ext. 2",
        "5",
        "desk@pantry.example",
        "https://pantry.example",
    ]
    assert shown["telecom"][1]["system"] == "fax"
    assert shown["partOf"] == {"reference": "Organization/org-3"}


def test_a_service_is_found_by_its_organization_and_its_place() -> None:
    term = records.Attribute(taxonomy_term=records.TaxonomyTerm(id="t", code="BD-1800", name="Food Pantries"))
    service = records.Service(
        id="hs-1",
        organization_id="org-2",
        name="Groceries",
        description="Every Tuesday",
        eligibility_description="Residents",
        phones=(records.Phone(number="415-555-0142"),),
        service_at_locations=(
            records.ServiceAtLocation(id="sal", location_id="loc-1", schedules=(WEEKDAYS,)),
            records.ServiceAtLocation(id="sal2", location_id="loc-1"),
        ),
        languages=(records.Language(code="es", name="Spanish"), records.Language(name="Tagalog"), records.Language()),
        attributes=(term,),
    )

    shown = healthcare_service(service, last_updated=NOW, provider_name="Pantry", needs=["food-insecurity"])

    assert check(shown) == ()
    assert shown["meta"]["profile"] == [systems.SDOHCC_HEALTHCARE_SERVICE]
    assert shown["location"] == [{"reference": "Location/loc-1"}]
    assert [spoken.get("text") for spoken in shown["communication"]] == ["Spanish", "Tagalog"]
    found = {(value.parameter, value.value) for value in extract(shown)}
    assert found >= {
        ("organization", "Organization/org-2"),
        ("location", "Location/loc-1"),
        ("name", "groceries"),
        ("service-category", "food-insecurity"),
    }


def test_a_service_that_nobody_can_call_does_not_claim_the_profile() -> None:
    shown = healthcare_service(
        records.Service(id="hs-1", organization_id="org-2", name="x", status="inactive"), last_updated=NOW
    )

    assert check(shown) == ()
    assert "profile" not in shown["meta"]
    assert shown["active"] is False


def test_a_place_shows_its_address_position_and_hours() -> None:
    place = records.Location(
        id="loc-1",
        organization_id="org-2",
        name="Side door",
        latitude=37.7583,
        longitude=-122.419,
        addresses=(
            records.Address(address_1="PO Box 1", address_type="postal"),
            records.Address(
                address_1="2450 Mission St",
                city="San Francisco",
                state_province="CA",
                postal_code="94110",
                country="US",
                address_type="physical",
            ),
        ),
        schedules=(WEEKDAYS,),
    )

    shown = location(place, last_updated=NOW, organization_name="Pantry")

    assert check(shown) == ()
    assert shown["address"]["line"] == ["2450 Mission St"]
    assert shown["hoursOfOperation"] == [
        {"daysOfWeek": ["mon", "tue", "fri"], "openingTime": "09:00:00", "closingTime": "17:30:00"}
    ]


def test_a_place_of_which_nothing_is_known_is_a_location_too() -> None:
    shown = location(records.Location(id="loc-2"), last_updated=NOW)

    assert check(shown) == ()
    assert shown.keys() == {"resourceType", "id", "meta", "status", "mode"}


@pytest.mark.parametrize(
    "schedule",
    [
        records.Schedule(),
        records.Schedule(freq="MONTHLY", byday="1MO", opens_at="09:00", closes_at="10:00"),
        records.Schedule(freq="WEEKLY", byday="MO"),
        records.Schedule(freq="WEEKLY", byday="XX", opens_at="09:00", closes_at="10:00"),
    ],
)
def test_hours_that_are_not_weekly_or_not_known_are_not_made_up(schedule: records.Schedule) -> None:
    assert list(available_time(schedule)) == []


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("09:00", "09:00:00"),
        ("09:00:30Z", "09:00:00"),
        ("9am", None),
        ("", None),
        (None, None),
        ("24:00", "23:59:59"),
        ("25:00", None),
    ],
)
def test_a_time_of_day_is_written_as_fhir_asks(text: str | None, shown: str | None) -> None:
    assert clock(text) == shown
