"""The JSON of Link-SF, San Francisco's listing for homeless people: organizations.json and locations.json, keyed by id.

Services stand inside their locations, times are whole numbers (1930 is half past seven in the evening), and a
service's own `location_id` names its organisation, so the location around it is the one that counts.
"""

from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from directory.formats import values
from directory.formats.assemble import Assembly
from directory.formats.hsds_json import load
from directory.formats.raw import Raw, from_json
from directory.records import LOCATION, ORGANIZATION, SERVICE, Problem, Read

NAME = "linksf"
ORGANIZATIONS_FILE, LOCATIONS_FILE = "organizations.json", "locations.json"
DAYS = {"Monday": "MO", "Tuesday": "TU", "Wednesday": "WE", "Thursday": "TH", "Friday": "FR"}
DAYS |= {"Saturday": "SA", "Sunday": "SU"}
AGES = {"C": "children", "Y": "young people", "A": "adults", "S": "seniors"}
GENDERS = {"F": "women", "M": "men"}
STATE, COUNTRY = "CA", "US"  # the listing covers one city and leaves both out


def recognises(path: Path) -> bool:
    """Return whether this is a folder with Link-SF's two files, each an object keyed by id."""
    if not all((path / name).is_file() for name in (ORGANIZATIONS_FILE, LOCATIONS_FILE)):
        return False
    places = load(path / LOCATIONS_FILE, LOCATIONS_FILE, [])
    first = next(iter(places.values()), None) if isinstance(places, dict) else None
    return isinstance(first, dict) and "physical_address" in first


def read(path: Path, problems: list[Problem]) -> Iterator[Read]:
    """Return the records of the folder; what is wrong with them is added to `problems`."""
    assembly = Assembly(problems)
    places = _entries(path, LOCATIONS_FILE, problems)
    emails = _emails(places)
    for organization in _entries(path, ORGANIZATIONS_FILE, problems):
        assembly.add(ORGANIZATION, _organization(organization, emails, problems))
    borrowed: Counter[str] = Counter()
    for place in places:
        services = [service for service in _keyed(place, "services") if service.values]
        assembly.add(LOCATION, _location(place))
        for service in services:
            if service.text("location_id") != place.text("id"):
                borrowed["location_id"] += 1
            assembly.add(SERVICE, _service(service, place, problems))
    if borrowed:
        done = "Repaired: the location around each service was taken; the location_id names the organisation."
        problems.append(Problem(LOCATIONS_FILE, None, "location_id", f"{borrowed['location_id']} services", done))
    yield from assembly.records()


def _entries(path: Path, name: str, problems: list[Problem]) -> list[Raw]:
    document = load(path / name, name, problems)
    if not isinstance(document, dict):
        if document is not None:
            problems.append(Problem(name, None, None, None, "Left out: the file is not an object keyed by id."))
        return []
    return [_entry(name, key, value, problems) for key, value in document.items()]


def _entry(name: str, key: str, value: Any, problems: list[Problem]) -> Raw:
    if isinstance(value, dict):
        return from_json(name, name, f"/{key}", {"id": key} | value)
    problems.append(Problem(name, f"/{key}", None, str(value)[:120], "Left out: it is not an object."))
    return Raw(name, name, f"/{key}", {"id": key})


def _keyed(raw: Raw, name: str) -> list[Raw]:
    """Return the objects of a dictionary keyed by id, and take it out of the row."""
    held = raw.values.pop(name, None)
    return [item for item in held.values.values() if isinstance(item, Raw)] if isinstance(held, Raw) else []


def _emails(places: list[Raw]) -> dict[str, str]:
    """Return e-mail addresses that stand in the prose on how to apply, by organisation."""
    found: dict[str, str] = {}
    for place in places:
        services = place.children("services")
        for service in services[0].values.values() if services else ():
            prose = service.text("application_process") if isinstance(service, Raw) else None
            email = values.find_email(prose or "")
            if email:
                found.setdefault(place.text("organization_id") or "", email)
    return found


def _organization(raw: Raw, emails: dict[str, str], problems: list[Problem]) -> Raw:
    held = raw.values
    short, long = held.pop("short_description", None), held.pop("long_description", None)
    held["description"] = long or short
    held["website"] = held.pop("url", None)
    email = emails.get(raw.text("id") or "")
    if email and not raw.text("email"):
        held["email"] = email
        done = "Filled in: the e-mail address was taken from a service's text on how to apply."
        problems.append(raw.problem("email", None, done))
    for phone in raw.children("phones"):
        department = phone.values.pop("department", None)
        bare, extension = values.split_extension(str(department or ""))
        phone.values |= {"description": bare.strip() or None, "extension": extension}
        if extension:
            phone.file, phone.row = raw.file, phone.row
            done = "Repaired: the extension was taken out of the department."
            problems.append(phone.problem("department", department, done))
    return raw


def _location(raw: Raw) -> Raw:
    for address in raw.children("physical_address"):
        address.values |= {"address_type": "physical", "state_province": STATE, "country": COUNTRY}
        raw.values["addresses"] = [address]
    raw.values.pop("physical_address", None)
    return raw


def _service(raw: Raw, place: Raw, problems: list[Problem]) -> Raw:
    held = raw.values
    held["organization_id"] = held.pop("organization", None) or place.text("organization_id")
    held["status"] = "active"  # what the listing shows is on offer
    held.pop("location_id", None)
    held["eligibility_description"] = _eligibility(raw)
    held["schedules"] = _schedules(raw, problems)
    if raw.text("name") is None:
        held["name"] = place.text("name")
        problems.append(raw.problem("name", None, "Filled in: the service was named after its location."))
    name = held.pop("taxonomy", None)
    if name:
        term = Raw("taxonomy_term", raw.file, raw.row, {"name": name, "taxonomy": "Link-SF"})
        held["attributes"] = [Raw("attribute", raw.file, raw.row, {"link_type": "service", "taxonomy_term": term})]
    link = {"location_id": place.text("id")}
    held["service_at_locations"] = [Raw("service_at_location", raw.file, raw.row, link)]
    return raw


def _eligibility(raw: Raw) -> str | None:
    given = next(iter(raw.children("eligibility")), None)
    raw.values.pop("eligibility", None)
    if given is None:
        return None
    ages = given.values.get("age")
    words = [GENDERS.get(given.text("gender") or "", "")]
    words += [AGES.get(str(age), str(age)) for age in (ages if isinstance(ages, list) else [])]
    listed = [word for word in words if word]
    return "For " + ", ".join(listed) + "." if listed else None


def _schedules(raw: Raw, problems: list[Problem]) -> list[Raw]:
    schedules = []
    for given in raw.children("schedules"):
        weekday = given.text("weekday") or ""
        times = {name: clock(given.text(name)) for name in ("opens_at", "closes_at")}
        wrong = next((name for name, time in times.items() if time is None), None)
        wrong = "weekday" if weekday not in DAYS else wrong
        if wrong:
            done = "Left out: a schedule needs a weekday and two whole-number times from 0 to 2400."
            problems.append(given.problem(wrong, given.values.get(wrong), done))
            continue
        line = {"freq": "WEEKLY", "byday": DAYS[weekday], **times}
        schedules.append(Raw("schedule", given.file, given.row, dict(line)))
    return schedules


def clock(given: str | None) -> str | None:
    """Return a whole-number time such as 1930, 0 or 1 as HH:MM; None where it is not one. 2359 is the day's end."""
    if given is None or not given.isdigit() or len(given) > 4:
        return None
    hour, minute = divmod(int(given), 100)
    if hour > 24 or minute > 59 or (hour == 24 and minute):
        return None
    return "24:00" if (hour, minute) == (23, 59) else f"{hour:02d}:{minute:02d}"
