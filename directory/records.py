"""The nouns of the directory, with the names of HSDS 3.1: frozen, standard library only, no SQL.

An `Organization`, a `Location` and a `Service` stand alone; everything else is a child inside one of them. Ids
are text: UUIDs once imported, whatever the source writes before. What the source does not give is None or an empty
tuple.
Source: Human Services Data Specification 3.1, https://docs.openreferral.org/ (names only).
"""

from dataclasses import dataclass

ORGANIZATION, LOCATION, SERVICE = KINDS = ("organization", "location", "service")


@dataclass(frozen=True, kw_only=True)
class Metadata:
    """One change that the source made to a field."""

    id: str | None = None
    last_action_date: str | None = None
    last_action_type: str | None = None
    field_name: str | None = None
    previous_value: str | None = None
    replacement_value: str | None = None
    updated_by: str | None = None


@dataclass(frozen=True, kw_only=True)
class Taxonomy:
    """The list that a taxonomy term belongs to."""

    id: str | None = None
    name: str | None = None
    description: str | None = None
    uri: str | None = None
    version: str | None = None


@dataclass(frozen=True, kw_only=True)
class TaxonomyTerm:
    """A word of the source's own classification; licensed codes are kept as they are, never explained."""

    id: str | None = None
    code: str | None = None
    name: str | None = None
    description: str | None = None
    parent_id: str | None = None
    taxonomy: str | None = None
    taxonomy_detail: Taxonomy | None = None
    taxonomy_id: str | None = None
    language: str | None = None
    term_uri: str | None = None


@dataclass(frozen=True, kw_only=True)
class Attribute:
    """A taxonomy term, or a value, attached to a record."""

    id: str | None = None
    link_type: str | None = None
    value: str | None = None
    label: str | None = None
    taxonomy_term: TaxonomyTerm | None = None


@dataclass(frozen=True, kw_only=True)
class Child:
    """What every child may carry."""

    id: str | None = None
    attributes: tuple[Attribute, ...] = ()
    metadata: tuple[Metadata, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Language(Child):
    """A language spoken; `code` is ISO 639 (two or three letters, maybe with a region)."""

    name: str | None = None
    code: str | None = None
    note: str | None = None


@dataclass(frozen=True, kw_only=True)
class Phone(Child):
    """A number to call, as written, without its extension."""

    number: str
    extension: str | None = None
    type: str | None = None
    description: str | None = None
    languages: tuple[Language, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Contact(Child):
    """A person or a desk to ask for."""

    name: str | None = None
    title: str | None = None
    department: str | None = None
    email: str | None = None
    phones: tuple[Phone, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Schedule(Child):
    """When something is open: an RRULE subset; times are HH:MM, local unless they end in Z or an offset."""

    valid_from: str | None = None
    valid_to: str | None = None
    dtstart: str | None = None
    timezone: float | None = None
    until: str | None = None
    count: int | None = None
    wkst: str | None = None
    freq: str | None = None
    interval: int | None = None
    byday: str | None = None
    byweekno: str | None = None
    bymonthday: str | None = None
    byyearday: str | None = None
    description: str | None = None
    opens_at: str | None = None
    closes_at: str | None = None
    schedule_link: str | None = None
    attending_type: str | None = None
    notes: str | None = None


@dataclass(frozen=True, kw_only=True)
class Address(Child):
    """A postal or street address; any part may be unknown."""

    attention: str | None = None
    address_1: str | None = None
    address_2: str | None = None
    city: str | None = None
    region: str | None = None
    state_province: str | None = None
    postal_code: str | None = None
    country: str | None = None
    address_type: str | None = None


@dataclass(frozen=True, kw_only=True)
class ServiceArea(Child):
    """For whom, by where they live."""

    name: str | None = None
    description: str | None = None
    extent: str | None = None
    extent_type: str | None = None
    uri: str | None = None


@dataclass(frozen=True, kw_only=True)
class Accessibility(Child):
    """How a place can be entered and used."""

    description: str | None = None
    details: str | None = None
    url: str | None = None


@dataclass(frozen=True, kw_only=True)
class RequiredDocument(Child):
    """A paper to bring."""

    document: str | None = None
    uri: str | None = None


@dataclass(frozen=True, kw_only=True)
class CostOption(Child):
    """What it costs."""

    valid_from: str | None = None
    valid_to: str | None = None
    option: str | None = None
    currency: str | None = None
    amount: float | None = None
    amount_description: str | None = None


@dataclass(frozen=True, kw_only=True)
class Funding(Child):
    """Who pays for it."""

    source: str | None = None


@dataclass(frozen=True, kw_only=True)
class Url(Child):
    """A further web page."""

    label: str | None = None
    url: str | None = None


@dataclass(frozen=True, kw_only=True)
class Program(Child):
    """A group of services under one name."""

    name: str | None = None
    alternate_name: str | None = None
    description: str | None = None


@dataclass(frozen=True, kw_only=True)
class OrganizationIdentifier(Child):
    """A number that a register gave the agency."""

    identifier_scheme: str | None = None
    identifier_type: str | None = None
    identifier: str | None = None


@dataclass(frozen=True, kw_only=True)
class Unit(Child):
    """What a capacity counts: beds, places, boxes."""

    name: str | None = None
    scheme: str | None = None
    identifier: str | None = None
    uri: str | None = None


@dataclass(frozen=True, kw_only=True)
class ServiceCapacity(Child):
    """How much is free, and when that was known."""

    unit: Unit | None = None
    available: float | None = None
    maximum: float | None = None
    description: str | None = None
    updated: str | None = None


@dataclass(frozen=True, kw_only=True)
class ServiceAtLocation(Child):
    """A service at one of its places, with what differs there."""

    location_id: str
    description: str | None = None
    service_areas: tuple[ServiceArea, ...] = ()
    contacts: tuple[Contact, ...] = ()
    phones: tuple[Phone, ...] = ()
    schedules: tuple[Schedule, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Record(Child):
    """What the three records that stand alone have in common."""

    id: str


@dataclass(frozen=True, kw_only=True)
class Organization(Record):
    """An agency."""

    name: str
    alternate_name: str | None = None
    description: str | None = None
    email: str | None = None
    website: str | None = None
    additional_websites: tuple[Url, ...] = ()
    tax_status: str | None = None
    tax_id: str | None = None
    year_incorporated: int | None = None
    legal_status: str | None = None
    logo: str | None = None
    uri: str | None = None
    parent_organization_id: str | None = None
    funding: tuple[Funding, ...] = ()
    contacts: tuple[Contact, ...] = ()
    phones: tuple[Phone, ...] = ()
    programs: tuple[Program, ...] = ()
    organization_identifiers: tuple[OrganizationIdentifier, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Location(Record):
    """A place; coordinates are degrees, WGS 84, only as the source gives them."""

    location_type: str = "physical"
    url: str | None = None
    organization_id: str | None = None
    name: str | None = None
    alternate_name: str | None = None
    description: str | None = None
    transportation: str | None = None
    latitude: float | None = None
    longitude: float | None = None
    external_identifier: str | None = None
    external_identifier_type: str | None = None
    languages: tuple[Language, ...] = ()
    addresses: tuple[Address, ...] = ()
    contacts: tuple[Contact, ...] = ()
    accessibility: tuple[Accessibility, ...] = ()
    phones: tuple[Phone, ...] = ()
    schedules: tuple[Schedule, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Service(Record):
    """What an agency offers; ages are years."""

    organization_id: str
    program_id: str | None = None
    name: str
    alternate_name: str | None = None
    description: str | None = None
    url: str | None = None
    additional_urls: tuple[Url, ...] = ()
    email: str | None = None
    status: str = "active"
    interpretation_services: str | None = None
    application_process: str | None = None
    fees_description: str | None = None
    wait_time: str | None = None
    fees: str | None = None
    accreditations: str | None = None
    eligibility_description: str | None = None
    minimum_age: float | None = None
    maximum_age: float | None = None
    assured_date: str | None = None
    assurer_email: str | None = None
    licenses: str | None = None
    alert: str | None = None
    last_modified: str | None = None
    phones: tuple[Phone, ...] = ()
    schedules: tuple[Schedule, ...] = ()
    service_areas: tuple[ServiceArea, ...] = ()
    service_at_locations: tuple[ServiceAtLocation, ...] = ()
    languages: tuple[Language, ...] = ()
    funding: tuple[Funding, ...] = ()
    cost_options: tuple[CostOption, ...] = ()
    program: Program | None = None
    required_documents: tuple[RequiredDocument, ...] = ()
    contacts: tuple[Contact, ...] = ()
    capacities: tuple[ServiceCapacity, ...] = ()


@dataclass(frozen=True)
class Problem:
    """Something in the source that was not as it should be: where, which field, what stood there, what was done.

    `row` is a line number (CSV), a path inside the file (JSON) or None for the whole file. `refused` is the kind of the
    record that was left out because of it, or None where the record was kept.
    """

    file: str
    row: int | str | None
    field: str | None
    found: str | None
    done: str
    refused: str | None = None


@dataclass(frozen=True)
class Read:
    """A record as a format read it, and where it stands."""

    record: Organization | Location | Service
    file: str
    row: int | str | None


RECORDS: dict[str, type[Organization] | type[Location] | type[Service]] = {
    ORGANIZATION: Organization,
    LOCATION: Location,
    SERVICE: Service,
}


def kind_of(record: Record) -> str:
    """Return `organization`, `location` or `service`."""
    return {Organization: ORGANIZATION, Location: LOCATION, Service: SERVICE}[type(record)]
