"""The words of the made-up county: what its agencies are called and what they offer. All invented."""

from typing import NamedTuple

# ZIP codes of Sangamon County, Illinois, where people live: in the town, and around it.
TOWN_ZIP_CODES = ("62701", "62702", "62703", "62704", "62707")
OTHER_ZIP_CODES = ("62711", "62712", "62629", "62563", "62684", "62615", "62561", "62536", "62670")

FIRST_WORDS = """
Sycamore Prairie Cardinal Bluestem Redbud Heron Willowbrook Lantern Harvest Millstone Larkspur Cottonwood
Stonebridge Goldenrod Riverbend Copperfield Meadowlark Hickory Lakeside Northfield Monarch Bellflower Ironwood
Foxglove Clearwater Juniper Kingfisher Elmhurst Silverleaf Whitetail
"""
STREETS = """
Adams Monroe Jefferson Madison Capitol Carpenter Enos Grand Laurel Ash Cedar Cook Spring Walnut Pasfield Douglas
Lincoln Holmes Outer Wabash
"""


class Offer(NamedTuple):
    """A service as many agencies offer it. `hours` names a line of HOURS; ages are years; `cost` is 0 where free."""

    need: str
    name: str
    description: str
    hours: str
    eligibility: str
    minimum_age: int | None = None
    maximum_age: int | None = None
    cost: int = 0
    documents: tuple[str, ...] = ()


class Kind(NamedTuple):
    """A kind of agency: how its name ends, what it says of itself, and the needs it answers."""

    name: str
    description: str
    needs: tuple[str, ...]


HOURS = {  # (days, opens, closes) per shift; () means by appointment
    "office": (("MO,TU,WE,TH,FR", "09:00", "17:00"),),
    "pantry": (("TU,TH", "10:00", "14:00"), ("SA", "09:00", "12:00")),
    "evenings": (("MO,WE", "17:30", "20:30"),),
    "meals": (("MO,TU,WE,TH,FR,SA,SU", "11:30", "13:00"),),
    "overnight": (("MO,TU,WE,TH,FR,SA,SU", "18:00", "07:00"),),
    "always": (("MO,TU,WE,TH,FR,SA,SU", "00:00", "24:00"),),
    "child care": (("MO,TU,WE,TH,FR", "06:30", "18:00"),),
    "appointment": (),
}
COUNTY, INCOME = "Residents of Sangamon County.", "Household income up to twice the federal poverty level."
ID, INCOME_PROOF, LEASE = "Photo identification", "Proof of income", "Lease or letter from the landlord"
BILL = "The latest bill or shut-off notice"

OFFERS = (
    Offer("food-pantry", "Food pantry", "Groceries for a week, once a month; no one is turned away.", "pantry", COUNTY),
    Offer("food-pantry", "Mobile food boxes", "Boxes of groceries brought to parking lots.", "evenings", COUNTY),
    Offer("meals", "Community kitchen", "A hot lunch every day, to eat here or take along.", "meals", "Everyone."),
    Offer("home-delivered-meals", "Meals on wheels", "A hot meal brought home.", "office", "People at home.", 60),
    Offer("food-benefits", "Help with SNAP", "Help to apply for SNAP and WIC.", "office", INCOME, None, None, 0, (ID,)),
    Offer(
        "rent-assistance", "Rent help", "Back rent once a year.", "office", INCOME, 18, None, 0, (LEASE, INCOME_PROOF)
    ),
    Offer("housing", "Housing navigation", "Finds an affordable apartment with you.", "office", INCOME, 18),
    Offer("emergency-shelter", "Night shelter", "A bed, a shower and supper.", "overnight", "Adults.", 18),
    Offer("emergency-shelter", "Family shelter", "Rooms for parents with children.", "always", "Families."),
    Offer(
        "transitional-housing",
        "Transitional housing",
        "Up to two years, with a case worker.",
        "appointment",
        INCOME,
        18,
    ),
    Offer("home-repair", "Home repair", "Ramps, furnaces and roofs.", "office", "Home owners with a low income.", 18),
    Offer(
        "transportation", "Rides to appointments", "Door to door; book two days ahead.", "office", COUNTY, None, None, 3
    ),
    Offer("transportation", "Bus passes", "Day and month passes for work and care.", "office", INCOME),
    Offer(
        "utility-assistance", "Heating help", "Helps with gas and light bills.", "office", INCOME, 18, None, 0, (BILL,)
    ),
    Offer("financial-assistance", "Emergency fund", "Small grants, once a year.", "office", INCOME, 18, None, 0, (ID,)),
    Offer("financial-counseling", "Budget and tax help", "Free tax forms and budgeting.", "evenings", INCOME, 18),
    Offer("clothing", "Clothes closet", "Clothing, coats and school supplies.", "pantry", "Everyone."),
    Offer("clothing", "Furniture bank", "Beds, tables and household goods.", "appointment", "With a referral.", 18),
    Offer(
        "diapers", "Diaper bank", "Fifty diapers a month for each child.", "pantry", "Parents of children under four."
    ),
    Offer("hygiene", "Showers and laundry", "Showers, soap and washing machines.", "pantry", "Everyone."),
    Offer("employment", "Job center", "Résumés, job search and interviews.", "office", "People looking for work.", 16),
    Offer("employment", "Job training", "Twelve weeks with a certificate.", "office", INCOME, 18, 64),
    Offer("adult-education", "GED classes", "Classes for the high school equivalency.", "evenings", "Adults.", 17),
    Offer("child-care", "Child care", "Care for children from six weeks.", "child care", INCOME, 0, 12, 40),
    Offer("english-classes", "English classes", "English as a second language.", "evenings", "Adults.", 17),
    Offer("interpretation", "Interpreters", "An interpreter by phone or in person.", "office", COUNTY),
    Offer(
        "legal-aid", "Legal aid", "A lawyer for eviction, benefits and family.", "office", INCOME, 18, None, 0, (ID,)
    ),
    Offer("domestic-violence", "Safe house", "A confidential shelter and advocate.", "always", "Survivors."),
    Offer("elder-protection", "Elder abuse response", "Looks into abuse and neglect.", "always", "Older people.", 60),
    Offer("senior-services", "Senior center", "Company, classes and lunch.", "office", "Older people.", 60),
    Offer("peer-support", "Support groups", "Meet others who have been there.", "evenings", "Everyone.", 13),
    Offer("mental-health", "Counseling", "Counseling on a sliding scale.", "office", COUNTY, 6, None, 20),
    Offer("mental-health", "Crisis line", "Somebody to talk to, day and night.", "always", "Everyone."),
    Offer("substance-use", "Recovery program", "Outpatient help with alcohol and drugs.", "office", COUNTY, 18),
    Offer("health-insurance", "Insurance enrollment", "Help with Medicaid and Medicare.", "office", COUNTY),
    Offer(
        "free-clinic", "Free clinic", "Primary care and dental for the uninsured.", "evenings", "Uninsured people.", 18
    ),
    Offer("medication-help", "Prescription help", "Pays for medicine you need now.", "office", INCOME),
    Offer("health-education", "Diabetes class", "Eight evenings on food and sugar.", "evenings", COUNTY, 18),
    Offer("veterans", "Veteran services", "Benefits and housing for veterans.", "office", "Veterans and families."),
    Offer("reentry", "Reentry program", "Papers, work and a place after prison.", "office", "Adults after prison.", 18),
    Offer("computer-classes", "Computer classes", "From the mouse to e-mail.", "evenings", COUNTY),
    Offer("internet-access", "Computer lab", "Computers, printers and free internet.", "office", "Everyone."),
)

KINDS = (
    Kind("Food Pantry", "Neighbours who share food.", ("food-pantry", "food-benefits", "diapers", "meals")),
    Kind("Community Table", "A kitchen open to all.", ("meals", "home-delivered-meals", "food-pantry", "hygiene")),
    Kind(
        "Housing Partners",
        "A home for everyone.",
        ("housing", "rent-assistance", "transitional-housing", "home-repair"),
    ),
    Kind("Shelter", "A door that is open at night.", ("emergency-shelter", "hygiene", "transitional-housing", "meals")),
    Kind(
        "Family Resource Center",
        "Help for parents and children.",
        ("child-care", "diapers", "clothing", "peer-support", "food-pantry"),
    ),
    Kind(
        "Township Assistance",
        "The township's office for people in need.",
        ("financial-assistance", "utility-assistance", "rent-assistance", "transportation"),
    ),
    Kind("Transit", "Rides for people without a car.", ("transportation",)),
    Kind("Legal Aid", "Lawyers who charge nothing.", ("legal-aid", "interpretation")),
    Kind(
        "Works", "Work, and what it takes to get it.", ("employment", "adult-education", "computer-classes", "reentry")
    ),
    Kind("Learning Center", "School for grown-ups.", ("english-classes", "adult-education", "computer-classes")),
    Kind("Safe Haven", "Safety from violence at home.", ("domestic-violence", "peer-support", "legal-aid")),
    Kind(
        "Senior Services",
        "For people over sixty.",
        ("senior-services", "home-delivered-meals", "transportation", "elder-protection", "home-repair"),
    ),
    Kind("Behavioral Health", "Care for mind and mood.", ("mental-health", "substance-use", "peer-support")),
    Kind("Free Clinic", "Care without insurance.", ("free-clinic", "medication-help", "health-insurance")),
    Kind(
        "Health Alliance", "Help to be and stay insured.", ("health-insurance", "health-education", "medication-help")
    ),
    Kind("Veterans Council", "By veterans, for veterans.", ("veterans", "housing", "employment")),
    Kind(
        "Outreach Ministry",
        "Open to people of every faith.",
        ("clothing", "food-pantry", "utility-assistance", "meals"),
    ),
    Kind("Money Matters", "Advice on debts and taxes.", ("financial-counseling", "financial-assistance")),
    Kind("Newcomer Center", "For people new to the country.", ("interpretation", "english-classes", "legal-aid")),
    Kind("Library Annex", "Computers and quiet.", ("internet-access", "computer-classes")),
)
