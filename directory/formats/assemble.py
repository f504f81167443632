"""Puts HSDS objects together, in whatever tree they came: organisation-, service- or place-rooted, nested or flat.

Each format adds the objects it found; `records` then gives organisations, locations and services, in this order, each
once. The same id met again (an overview and a full record, say) is one record: gaps are filled from the later one.
"""

from collections.abc import Iterator

from directory.formats.build import Builder
from directory.formats.raw import Raw
from directory.records import KINDS, LOCATION, ORGANIZATION, RECORDS, SERVICE, Problem, Read, Service

SERVICE_AT_LOCATION = "service_at_location"
LONGEST_ID = 200


class Assembly:
    """Objects by kind and id, as they were found."""

    def __init__(self, problems: list[Problem]) -> None:
        self.problems = problems
        self._found: dict[str, dict[str, Raw]] = {kind: {} for kind in KINDS}
        self._links: list[Raw] = []

    def add(self, kind: str, raw: Raw) -> None:
        """Take in one object and everything nested in it."""
        raw.kind = kind
        if kind == ORGANIZATION:
            self._add_nested(raw, "services", SERVICE)
            self._add_nested(raw, "locations", LOCATION)
        elif kind == SERVICE:
            for organization in raw.children("organization"):
                self._refer(raw, "organization_id", organization)
                self.add(ORGANIZATION, organization)
            raw.values.pop("organization", None)
            for link in raw.children("service_at_locations"):
                self._take_location(link)
        elif kind == SERVICE_AT_LOCATION:
            self._take_location(raw)
            for service in raw.children("service"):
                self._refer(raw, "service_id", service)
                self.add(SERVICE, service)
            raw.values.pop("service", None)
            self._links.append(raw)
            return
        self._keep(kind, raw)

    def _add_nested(self, organization: Raw, name: str, kind: str) -> None:
        for child in organization.children(name):
            self._refer(child, "organization_id", organization)
            self.add(kind, child)
        organization.values.pop(name, None)

    def _take_location(self, link: Raw) -> None:
        for location in link.children("location"):
            self._refer(link, "location_id", location)
            self.add(LOCATION, location)
        link.values.pop("location", None)

    @staticmethod
    def _refer(raw: Raw, name: str, other: Raw) -> None:
        if raw.text(name) is None and other.text("id") is not None:
            raw.values[name] = other.text("id")

    def _keep(self, kind: str, raw: Raw) -> None:
        key = raw.text("id")
        if key is None:
            done = f"Refused: this {kind} has no id, so it could not be known again; add one at the source."
            self.problems.append(raw.problem("id", None, done, kind))
            return
        if len(key) > LONGEST_ID:
            done = f"Refused: the id of this {kind} is longer than {LONGEST_ID} characters; shorten it at the source."
            self.problems.append(raw.problem("id", key, done, kind))
            return
        before = self._found[kind].setdefault(key, raw)
        if before is not raw:
            self._merge(before, raw)

    def _merge(self, before: Raw, again: Raw) -> None:
        """Fill the gaps of a record from its second appearance; where they differ the first stays and it is told."""
        for name, value in again.values.items():
            held = before.values.get(name)
            if held in (None, "", []):
                before.values[name] = value
            elif isinstance(value, list) and isinstance(held, list):
                if len(value) > len(held):
                    before.values[name] = value
            elif not isinstance(value, Raw | list) and value not in (None, "") and str(value) != str(held):
                done = f"Left out: the same id stands at {before.file}, {before.row}, whose value was kept."
                self.problems.append(again.problem(name, value, done))

    def records(self) -> Iterator[Read]:
        """Return the records, organisations first, then locations, then services; refused ones are in the problems."""
        self._hang_links()
        builder = Builder(self.problems)
        for kind in KINDS:
            for raw in self._found[kind].values():
                if kind == LOCATION and raw.text("location_type") is None:
                    raw.values["location_type"] = "physical" if _has_place(raw) else "virtual"
                record = builder.build(RECORDS[kind], raw, refused=kind)
                if record is None:
                    continue
                if isinstance(record, Service) and raw.text("status") is None:
                    done = "Filled in: a service without a status counts as active."
                    self.problems.append(raw.problem("status", None, done))
                yield Read(record, raw.file, raw.row)

    def _hang_links(self) -> None:
        """Give each service the places that were listed apart from it."""
        for link in self._links:
            service = self._found[SERVICE].get(link.text("service_id") or "")
            if service is None:
                done = "Left out: the service that it names is not among the files."
                self.problems.append(link.problem("service_id", link.text("service_id"), done))
                continue
            links = service.children("service_at_locations")
            if link.text("location_id") not in {other.text("location_id") for other in links}:
                service.values["service_at_locations"] = [*links, link]
        self._links.clear()


def _has_place(raw: Raw) -> bool:
    return bool(raw.children("addresses")) or raw.text("latitude") is not None
