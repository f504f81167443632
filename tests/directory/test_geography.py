"""Distances, cells and the centres of ZIP codes."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from directory.geography import (
    LARGEST_RADIUS_KM,
    Point,
    cell_of,
    cells_around,
    distance_km,
    is_point,
    zip_centroid,
    zip_place,
    zone_of,
)

points = st.builds(Point, st.floats(-90, 90), st.floats(-180, 180))


@given(points, points)
def test_distance_is_symmetric_and_at_most_half_way_round(here: Point, there: Point) -> None:
    assert distance_km(here, there) == pytest.approx(distance_km(there, here), abs=1e-6)
    assert 0 <= distance_km(here, there) <= math.pi * 6371.01
    assert distance_km(here, here) == 0


def test_a_known_distance_is_right_to_half_a_percent() -> None:
    paris, london = Point(48.8566, 2.3522), Point(51.5074, -0.1278)

    assert distance_km(paris, london) == pytest.approx(343.6, rel=0.005)


def test_a_place_off_the_globe_has_no_distance() -> None:
    with pytest.raises(ValueError, match="A latitude lies between"):
        distance_km(Point(91, 0), Point(0, 0))


@given(points, st.floats(0.1, LARGEST_RADIUS_KM), st.floats(0, 360), st.floats(0, 1))
def test_the_cells_around_a_place_cover_its_circle(here: Point, radius: float, bearing: float, share: float) -> None:
    there = _walk(here, bearing, radius * share)

    if distance_km(here, there) <= radius:
        assert cell_of(there) in cells_around(here, radius)


@pytest.mark.parametrize("radius", [0, -1, LARGEST_RADIUS_KM + 1, float("nan")])
def test_a_radius_out_of_bounds_is_refused(radius: float) -> None:
    with pytest.raises(ValueError, match="The radius must be more than 0"):
        cells_around(Point(0, 0), radius)


def test_an_ordinary_search_reads_few_cells() -> None:
    assert len(cells_around(Point(39.8, -89.65), 25)) <= 25


def test_zip_codes_are_known_by_five_digits() -> None:
    place = zip_place("62701-1234")
    assert place is not None
    assert (place.city, place.state, place.zone) == ("Springfield", "IL", "America/Chicago")
    assert [zip_centroid(wrong) for wrong in (None, "", "6270", "abcde", "00000", "٦٢٧٠١")] == [None] * 6


def test_a_place_has_a_time_zone_with_or_without_a_zip_code() -> None:
    assert zone_of("94103", None) == "America/Los_Angeles"
    assert zone_of(None, -122.4) == "America/Los_Angeles"
    assert zone_of(None, -89.6) == "America/Chicago"
    assert zone_of(None, None) == "America/New_York"


def test_zero_zero_means_not_known() -> None:
    assert not is_point(0, 0)
    assert is_point(0, 1)


def _walk(here: Point, bearing: float, km: float) -> Point:
    """Return the place so far from here in a direction."""
    angle, turn, lat = km / 6371.0088, math.radians(bearing), math.radians(here.latitude)
    there = math.asin(
        max(-1, min(1, math.sin(lat) * math.cos(angle) + math.cos(lat) * math.sin(angle) * math.cos(turn)))
    )
    east = math.atan2(
        math.sin(turn) * math.sin(angle) * math.cos(lat), math.cos(angle) - math.sin(lat) * math.sin(there)
    )
    longitude = (here.longitude + math.degrees(east) + 540) % 360 - 180
    return Point(max(-90, min(90, math.degrees(there))), longitude)
