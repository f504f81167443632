"""Our own short list of needs: what a person is referred for, each under the SDOHCC category it belongs to.

A source's own classification is kept as it is; a service is listed under a need when its classification, its name or
its text says one of the need's words. Licensed taxonomies (211 HSIS) are never shipped.
Source of the category codes: HL7 SDOH Clinical Care 3.0.0, CodeSystem SDOHCC-CodeSystemTemporaryCodes (CC0).
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache

from directory.words import fold


@dataclass(frozen=True)
class Need:
    """`code` is ours and stable, `domain` is an SDOHCC category code, `words` are folded English and Spanish."""

    code: str
    domain: str
    name: str
    words: tuple[str, ...]


def _need(code: str, domain: str, name: str, words: str) -> Need:
    return Need(code, domain, name, tuple(phrase.strip() for phrase in words.split(",")))


NEEDS = (
    _need("food", "food-insecurity", "Food", "food, nutrition, alimentos, comida, hunger, hambre"),
    _need(
        "food-pantry",
        "food-insecurity",
        "Food pantry",
        "food pantry, pantry, food bank, groceries, grocery, food box, food boxes, despensa, banco de alimentos",
    ),
    _need(
        "meals",
        "food-insecurity",
        "Prepared meals",
        "meal, meals, hot meals, soup kitchen, breakfast, lunch, dinner, dining room, comedor, almuerzo, cena",
    ),
    _need(
        "home-delivered-meals",
        "food-insecurity",
        "Meals brought home",
        "home delivered meals, home-delivered meals, meals on wheels, meal delivery, comida a domicilio",
    ),
    _need(
        "food-benefits",
        "food-insecurity",
        "Help with SNAP and WIC",
        "snap, wic, food stamps, calfresh, estampillas, cupones de alimentos",
    ),
    _need(
        "housing",
        "housing-instability",
        "Housing help",
        "housing, tenant, tenants, landlord, vivienda, affordable housing, sro",
    ),
    _need(
        "rent-assistance",
        "housing-instability",
        "Help with rent",
        "rent assistance, rental assistance, rent, eviction, eviction prevention, desalojo, renta, alquiler",
    ),
    _need(
        "emergency-shelter",
        "homelessness",
        "Emergency shelter",
        "shelter, emergency shelter, overnight, drop-in center, warming center, homeless, albergue, refugio",
    ),
    _need(
        "transitional-housing",
        "homelessness",
        "Transitional housing",
        "transitional housing, supportive housing, vivienda transitoria",
    ),
    _need(
        "home-repair",
        "inadequate-housing",
        "Home repair",
        "home repair, home repairs, weatherization, lead removal, wheelchair ramp, reparacion de vivienda",
    ),
    _need(
        "transportation",
        "transportation-insecurity",
        "Rides",
        "transportation, ride, rides, bus pass, bus passes, paratransit, transporte, transportacion",
    ),
    _need(
        "utility-assistance",
        "utility-insecurity",
        "Help with utility bills",
        "utility, utilities, utility assistance, liheap, heating bill, energy assistance, servicios publicos",
    ),
    _need(
        "financial-assistance",
        "financial-insecurity",
        "Emergency money",
        "financial assistance, cash assistance, emergency fund, general assistance, tanf, asistencia financiera",
    ),
    _need(
        "financial-counseling",
        "financial-insecurity",
        "Money advice",
        "financial counseling, credit counseling, budgeting, tax preparation, tax help, asesoria financiera, impuestos",
    ),
    _need(
        "clothing",
        "material-hardship",
        "Clothing and household goods",
        "clothing, clothes, furniture, household goods, thrift, school supplies, ropa, muebles",
    ),
    _need("diapers", "material-hardship", "Diapers and baby supplies", "diaper, diapers, baby supplies, panales"),
    _need(
        "hygiene",
        "material-hardship",
        "Showers and laundry",
        "hygiene, shower, showers, laundry, restroom, restrooms, duchas, lavanderia",
    ),
    _need(
        "employment",
        "employment-status",
        "Work",
        "employment, job, jobs, job training, workforce, resume, vocational, empleo, trabajo, capacitacion laboral",
    ),
    _need(
        "adult-education",
        "educational-attainment",
        "School for adults",
        "ged, high school equivalency, adult education, literacy, tutoring, educacion para adultos, alfabetizacion",
    ),
    _need(
        "child-care",
        "financial-insecurity",
        "Child care",
        "child care, childcare, daycare, day care, after school, after-school, preschool, head start, guarderia",
    ),
    _need(
        "english-classes",
        "language-access",
        "English classes",
        "english class, english classes, esl, english as a second language, clases de ingles",
    ),
    _need(
        "interpretation",
        "language-access",
        "Interpreters",
        "interpretation, interpreter, interpreters, translation, interprete, traduccion",
    ),
    _need(
        "legal-aid",
        "financial-insecurity",
        "Legal aid",
        "legal aid, legal, lawyer, attorney, expungement, immigration help, asistencia legal, abogado",
    ),
    _need(
        "domestic-violence",
        "intimate-partner-violence",
        "Safety from a partner's violence",
        "domestic violence, intimate partner violence, battered, violencia domestica, rape crisis, order of protection",
    ),
    _need(
        "elder-protection",
        "elder-abuse",
        "Safety for older people",
        "elder abuse, adult protective services, ombudsman, abuso de ancianos",
    ),
    _need(
        "senior-services",
        "social-connection",
        "Company for older people",
        "senior center, friendly visitor, friendly visiting, companionship, adult day, centro para mayores",
    ),
    _need(
        "peer-support",
        "social-connection",
        "Peer groups",
        "peer support, support group, support groups, mentoring, mentor, grupo de apoyo",
    ),
    _need(
        "mental-health",
        "stress",
        "Counselling",
        "mental health, counseling, counselling, therapy, crisis line, salud mental, consejeria, terapia, psychiatric",
    ),
    _need(
        "substance-use",
        "stress",
        "Help with alcohol and drugs",
        "substance use, substance abuse, recovery, detox, addiction, needle exchange, adiccion, drogas",
    ),
    _need(
        "health-insurance",
        "health-insurance-coverage-status",
        "Health insurance",
        "health insurance, medicaid, medicare, marketplace, medi-cal, medical card, seguro medico",
    ),
    _need(
        "free-clinic",
        "medical-cost-burden",
        "Free or low-cost care",
        "free clinic, primary care, medical, clinic, dental, vision care, std testing, clinica, atencion medica",
    ),
    _need(
        "medication-help",
        "medical-cost-burden",
        "Help to pay for medicine",
        "prescription assistance, medication assistance, prescription help, medicamentos, recetas",
    ),
    _need(
        "health-education",
        "personal-health-literacy",
        "Health classes",
        "health education, diabetes class, diabetes classes, nutrition class, parenting class, educacion de salud",
    ),
    _need(
        "veterans",
        "veteran-status",
        "Help for veterans",
        "veteran, veterans, military family, veterano, veteranos",
    ),
    _need(
        "reentry",
        "incarceration-status",
        "After prison",
        "reentry, re-entry, formerly incarcerated, returning citizens, reinsercion",
    ),
    _need(
        "computer-classes",
        "digital-literacy",
        "Computer classes",
        "computer class, computer classes, computer training, digital literacy, clases de computacion",
    ),
    _need(
        "internet-access",
        "digital-access",
        "Computers and internet",
        "technology, computer access, computers, internet, wifi, wi-fi, phone charging, free phone, tecnologia",
    ),
)
BY_CODE = {need.code: need for need in NEEDS}
DOMAINS = tuple(dict.fromkeys(need.domain for need in NEEDS))


@cache
def _patterns() -> tuple[tuple[Need, re.Pattern[str]], ...]:
    def pattern(need: Need) -> re.Pattern[str]:
        said = [*need.words, need.code, need.code.replace("-", " ")]
        return re.compile(r"(?<![a-z0-9])(?:" + "|".join(map(re.escape, sorted(said, key=len))) + r")(?![a-z0-9])")

    return tuple((need, pattern(need)) for need in NEEDS)


def needs_said(text: str) -> tuple[Need, ...]:
    """Return the needs whose words stand in a text, in the order of NEEDS."""
    folded = fold(text)
    return tuple(need for need, pattern in _patterns() if pattern.search(folded))


def needs_of(terms: Iterable[str], name: str, description: str) -> tuple[Need, ...]:
    """Return the needs that a service answers.

    `terms` are the names and codes of its source's classification. What these and the name say counts; the description,
    which mentions much that is not on offer, only makes it finer: it adds needs of the same domains. A service that
    neither its classification nor its name explains is listed by its description.
    """
    said = needs_said(" . ".join([*terms, name]))
    domains = {need.domain for need in said}
    finer = tuple(need for need in needs_said(description) if not domains or need.domain in domains)
    return tuple(dict.fromkeys((*said, *finer)))
