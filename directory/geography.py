"""Where things are: distance, the grid of cells that search is keyed by, and the centres of ZIP codes."""

import math
from functools import lru_cache
from typing import NamedTuple

EARTH_RADIUS_KM = 6371.0088
CELLS_PER_DEGREE = 5  # a cell is 0.2 degrees high: 22 km, about a search radius
ROWS, COLUMNS = 180 * CELLS_PER_DEGREE, 360 * CELLS_PER_DEGREE
NOWHERE = -1  # the cell of a service whose place is not known
LARGEST_RADIUS_KM = 200.0


class Point(NamedTuple):
    """Degrees, WGS 84."""

    latitude: float
    longitude: float


def is_point(latitude: float, longitude: float) -> bool:
    """Return whether the numbers can be a place on Earth; (0, 0) counts as "not known", as sources use it."""
    return -90 <= latitude <= 90 and -180 <= longitude <= 180 and (latitude, longitude) != (0, 0)


def distance_km(here: Point, there: Point) -> float:
    """Return the great-circle distance in kilometres, right to 0.5 %.

    Source: R. W. Sinnott, "Virtues of the Haversine", Sky & Telescope 68 (1984). Raises ValueError outside ±90/±180.
    """
    for point in (here, there):
        if not (-90 <= point.latitude <= 90 and -180 <= point.longitude <= 180):
            raise ValueError("A latitude lies between -90 and 90 and a longitude between -180 and 180 degrees.")
    lat1, lat2 = math.radians(here.latitude), math.radians(there.latitude)
    half_lat = (lat2 - lat1) / 2
    half_lon = math.radians(there.longitude - here.longitude) / 2
    chord = math.sin(half_lat) ** 2 + math.cos(lat1) * math.cos(lat2) * math.sin(half_lon) ** 2
    return 2 * EARTH_RADIUS_KM * math.asin(min(1.0, math.sqrt(chord)))


def cell_of(point: Point) -> int:
    """Return the number of the grid cell that holds the point: row * COLUMNS + column, from the south-west."""
    row = min(int((point.latitude + 90) * CELLS_PER_DEGREE), ROWS - 1)
    return row * COLUMNS + int((point.longitude + 180) * CELLS_PER_DEGREE) % COLUMNS


def cells_around(point: Point, radius_km: float) -> tuple[int, ...]:
    """Return every cell that a circle may touch (some more, never fewer), across the date line and at the poles.

    Raises ValueError for a radius that is not between 0 and LARGEST_RADIUS_KM.
    """
    if not 0 < radius_km <= LARGEST_RADIUS_KM:
        raise ValueError(f"The radius must be more than 0 and at most {LARGEST_RADIUS_KM:.0f} kilometres.")
    high = math.degrees(radius_km / EARTH_RADIUS_KM) * 1.001 + 1e-9
    south, north = max(point.latitude - high, -90.0), min(point.latitude + high, 90.0)
    columns = _columns(point, radius_km, touches_pole=south <= -90.0 or north >= 90.0)
    first, last = int((south + 90) * CELLS_PER_DEGREE), min(int((north + 90) * CELLS_PER_DEGREE), ROWS - 1)
    return tuple(row * COLUMNS + column for row in range(min(first, ROWS - 1), last + 1) for column in columns)


def _columns(point: Point, radius_km: float, *, touches_pole: bool) -> list[int]:
    if touches_pole:
        return list(range(COLUMNS))
    # The widest meridian of a circle: asin(sin(r) / cos(latitude)), from the right spherical triangle at its tangent.
    ratio = math.sin(radius_km / EARTH_RADIUS_KM) / math.cos(math.radians(point.latitude))
    if ratio >= 1:
        return list(range(COLUMNS))
    wide = math.degrees(math.asin(ratio)) * 1.001 + 1e-9
    first = math.floor((point.longitude - wide + 180) * CELLS_PER_DEGREE)
    last = math.floor((point.longitude + wide + 180) * CELLS_PER_DEGREE)
    return sorted({column % COLUMNS for column in range(first, last + 1)})


class ZipPlace(NamedTuple):
    """The middle of a ZIP code's area."""

    point: Point
    city: str
    state: str
    zone: str


def zip_place(zip_code: str | None) -> ZipPlace | None:
    """Return where a US ZIP code is, or None if there is none such. ZIP+4 and blanks round it are accepted."""
    return _zip_place((zip_code or "").strip()[:5])


@lru_cache(maxsize=4096)
def _zip_place(five_digits: str) -> ZipPlace | None:
    if len(five_digits) != 5 or not (five_digits.isascii() and five_digits.isdigit()):
        return None
    import zipcodes  # its table takes half a second to unpack: only for who asks

    found = next(iter(zipcodes.matching(five_digits)), None)
    if found is None or not is_point(float(found["lat"]), float(found["long"])):
        return None
    point = Point(float(found["lat"]), float(found["long"]))
    return ZipPlace(point, str(found["city"]), str(found["state"]), str(found["timezone"]))


def zip_centroid(zip_code: str | None) -> Point | None:
    """Return the middle of a US ZIP code's area, or None if there is none such."""
    place = zip_place(zip_code)
    return place.point if place else None


def zone_of(postal_code: str | None, longitude: float | None) -> str:
    """Return the IANA time zone of a US place: from its ZIP, else its longitude, else New York."""
    place = zip_place(postal_code)
    if place:
        return place.zone
    if longitude is None:
        return "America/New_York"
    return next(zone for west_of, zone in _US_ZONES if longitude >= west_of)


_US_ZONES = (  # roughly; only for places without a ZIP code, (longitude at least, zone)
    (-86.0, "America/New_York"),
    (-101.0, "America/Chicago"),
    (-114.0, "America/Denver"),
    (-130.0, "America/Los_Angeles"),
    (-154.0, "America/Anchorage"),
    (-180.0, "Pacific/Honolulu"),
)
